import { checkKeys, isText, optionCheck, type Provider } from '@token-meter/core/adapter'
import { isPlain } from '@token-meter/core/wire'
import { bedrockProtocol } from '../wire/protocol.ts'
import { type BedrockClient, isBedrockClient } from './bedrock-client.ts'
import { BedrockObservation, type BedrockOptions } from './bedrock-observation.ts'
import { clientView } from './client-view.ts'
import { isMetadataText } from './request-metadata.ts'

const check = optionCheck('createBedrockProvider()')
const metadataName = 'a name of 1 to 256 letters, digits, spaces and :_@$#=/+,-.'

/**
 * Meters the clients of `@aws-sdk/client-bedrock-runtime`, with options:
 * `createMeter({ providers: [createBedrockProvider({ requestMetadata: 'customer' })] })`.
 *
 * @throws ConfigError when an option is wrong.
 */
export function createBedrockProvider(options: BedrockOptions = {}): Provider<BedrockClient> {
  checkKeys<BedrockOptions>('createBedrockProvider()', options, {
    requestMetadata: true,
    models: true,
  })
  const { requestMetadata = 'any', models = {} } = options
  check('requestMetadata', requestMetadata, metadataName, isMetadataText)
  check('models', models, 'names of models by their ids', isNames)
  const protocol = bedrockProtocol({ ...models })
  return {
    name: 'bedrock',
    clientDescription: 'a Bedrock client (@aws-sdk/client-bedrock-runtime 3)',
    protocols: [protocol],
    recognises: isBedrockClient,
    observe: (client, observer, clientOptions) =>
      clientView(
        client,
        new BedrockObservation(protocol, observer, clientOptions, options, client.config),
      ),
  }
}

/** Meters the clients of `@aws-sdk/client-bedrock-runtime`, for `createMeter({ providers: [bedrockProvider] })`. */
export const bedrockProvider: Provider<BedrockClient> = createBedrockProvider()

function isNames(value: unknown): boolean {
  return isPlain(value) && Object.values(value).every(isText)
}
