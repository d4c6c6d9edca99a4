// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import AnthropicAws from '@anthropic-ai/aws-sdk'
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import AnthropicFoundry from '@anthropic-ai/foundry-sdk'
import Anthropic from '@anthropic-ai/sdk'
import AnthropicVertex from '@anthropic-ai/vertex-sdk'
import Anthropic0137 from 'anthropic0137'
import Anthropic060 from 'anthropic060'
import { expectTypeOf } from 'vitest'
import { anthropicProvider, createMeter, meter } from '../src/index.ts'
import { messagesUsage } from '../src/usage.ts'

class AppClient extends Anthropic {
  ask(question: string): string {
    return question
  }
}

expectTypeOf(meter(new Anthropic(), 'cus_1')).toEqualTypeOf<Anthropic>()
expectTypeOf(meter(new Anthropic0137(), 'cus_1')).toEqualTypeOf<Anthropic0137>()
expectTypeOf(meter(new Anthropic060(), 'cus_1')).toEqualTypeOf<Anthropic060>()
expectTypeOf(meter(new AnthropicBedrock(), 'cus_1')).toEqualTypeOf<AnthropicBedrock>()
expectTypeOf(meter(new AnthropicVertex(), 'cus_1')).toEqualTypeOf<AnthropicVertex>()
expectTypeOf(meter(new AnthropicFoundry(), 'cus_1')).toEqualTypeOf<AnthropicFoundry>()
expectTypeOf(meter(new AnthropicAws(), 'cus_1')).toEqualTypeOf<AnthropicAws>()
expectTypeOf(meter(new AppClient(), 'cus_1')).toEqualTypeOf<AppClient>()
expectTypeOf(meter(new AppClient(), (call) => call.body.user).ask('x')).toBeString()

// @ts-expect-error not a client
meter({}, 'cus_1')
// @ts-expect-error a client of another SDK
meter({ baseURL: 'x', post() {}, chat: { completions: {} } }, 'cus_1')
// @ts-expect-error no customer
meter(new Anthropic())
// @ts-expect-error a customer is text
meter(new Anthropic(), 7)
// @ts-expect-error an unknown option
meter(new Anthropic(), 'cus_1', { customer: 'x' })

const own = createMeter({ providers: [anthropicProvider] })
expectTypeOf(own(new Anthropic(), 'cus_1')).toEqualTypeOf<Anthropic>()

const message = await meter(new Anthropic(), 'cus_1').messages.create({
  model: 'claude-sonnet-5',
  max_tokens: 10,
  messages: [],
})
expectTypeOf(message).toExtend<Anthropic.Message>()
expectTypeOf(messagesUsage({})[0]!.details.speed).toEqualTypeOf<string | undefined>()
