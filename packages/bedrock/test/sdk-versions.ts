import * as newest from '@aws-sdk/client-bedrock-runtime'
import * as oldest from 'bedrock-runtime-3-921'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** Both behave alike where the tests look, so they are written against the newest's types. */
export type Sdk = typeof newest

/** The newest version of the SDK, and the oldest that is supported. */
export const sdkVersions: readonly { readonly version: string; readonly sdk: Sdk }[] = [
  { version: '3.921', sdk: oldest as unknown as Sdk },
  { version: '3.1164', sdk: newest },
]

const region = 'us-east-1'
/** Events that are sent are signed, whatever the request is. */
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }

/** What every client of the tests is made with: an API key, since AWS's signatures have the time in them. */
export function clientConfig(endpoint: string, key = 'key'): newest.BedrockRuntimeClientConfig {
  const token = { token: key }
  const authSchemePreference = ['httpBearerAuth']
  return { region, endpoint, credentials, token, authSchemePreference, maxAttempts: 1 }
}

/** The same over HTTP/1, as applications behind proxies set it. */
export function http1Config(endpoint: string, key?: string): newest.BedrockRuntimeClientConfig {
  return { ...clientConfig(endpoint, key), requestHandler: new NodeHttpHandler() as never }
}
