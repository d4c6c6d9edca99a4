import {
  BedrockRuntime,
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandOutput,
} from '@aws-sdk/client-bedrock-runtime'
import { BedrockRuntimeClient as Oldest } from 'bedrock-runtime-3-921'
import { expectTypeOf } from 'vitest'
import { bedrockProvider, createBedrockProvider, createMeter, meter } from '../src/index.ts'

class Shop extends BedrockRuntimeClient {
  greet() {
    return 'hi'
  }
}

expectTypeOf(meter(new BedrockRuntimeClient({}), 'cus_1')).toEqualTypeOf<BedrockRuntimeClient>()
expectTypeOf(meter(new BedrockRuntime({}), 'cus_1')).toEqualTypeOf<BedrockRuntime>()
expectTypeOf(meter(new Oldest({}), 'cus_1')).toEqualTypeOf<Oldest>()
expectTypeOf(meter(new Shop({}), 'cus_1')).toEqualTypeOf<Shop>()
expectTypeOf(
  meter(new BedrockRuntimeClient({}), (call) => call.body.requestMetadata?.customer),
).toEqualTypeOf<BedrockRuntimeClient>()

// @ts-expect-error a customer is needed
meter(new BedrockRuntimeClient({}))
// @ts-expect-error a customer is text
meter(new BedrockRuntimeClient({}), 7)
// @ts-expect-error a customer function answers text
meter(new BedrockRuntimeClient({}), () => 7)
// @ts-expect-error an unknown option
meter(new BedrockRuntimeClient({}), 'cus_1', { customer: 'x' })
// @ts-expect-error no client of this SDK
meter({ send: () => undefined }, 'cus_1')

const own = createMeter({ providers: [bedrockProvider] })
const answer = await own(new BedrockRuntimeClient({}), 'cus_1').send(
  new ConverseCommand({ modelId: 'm', messages: [] }),
)
expectTypeOf(answer).toEqualTypeOf<ConverseCommandOutput>()

createMeter({ providers: [createBedrockProvider({ requestMetadata: 'customer' })] })
createBedrockProvider({ models: { 'arn:aws:bedrock:::prompt/p': 'amazon.nova-lite-v1:0' } })
// @ts-expect-error the name is text
createBedrockProvider({ requestMetadata: true })
// @ts-expect-error an unknown option
createBedrockProvider({ metadata: 'customer' })
