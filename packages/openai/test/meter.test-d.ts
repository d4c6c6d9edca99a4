// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Perplexity from '@perplexity-ai/perplexity_ai'
import Groq from 'groq-sdk'
import Groq0 from 'groq0'
import OpenAI, { AzureOpenAI } from 'openai'
import OpenAI5 from 'openai5'
import OpenAI6 from 'openai6'
import Together from 'together-ai'
import { expectTypeOf } from 'vitest'
import { createMeter, meter, openaiProvider } from '../src/index.ts'

class AppClient extends OpenAI {
  ask(question: string): string {
    return question
  }
}

expectTypeOf(meter(new OpenAI(), 'cus_1')).toEqualTypeOf<OpenAI>()
expectTypeOf(meter(new OpenAI5(), 'cus_1')).toEqualTypeOf<OpenAI5>()
expectTypeOf(meter(new OpenAI6(), 'cus_1')).toEqualTypeOf<OpenAI6>()
expectTypeOf(meter(new AzureOpenAI(), 'cus_1')).toEqualTypeOf<AzureOpenAI>()
expectTypeOf(meter(new Groq(), 'cus_1')).toEqualTypeOf<Groq>()
expectTypeOf(meter(new Groq0(), 'cus_1')).toEqualTypeOf<Groq0>()
expectTypeOf(meter(new Together(), 'cus_1')).toEqualTypeOf<Together>()
expectTypeOf(meter(new Cerebras(), 'cus_1')).toEqualTypeOf<Cerebras>()
expectTypeOf(meter(new Perplexity(), 'cus_1')).toEqualTypeOf<Perplexity>()
expectTypeOf(meter(new AppClient(), 'cus_1')).toEqualTypeOf<AppClient>()
expectTypeOf(meter(new AppClient(), (call) => call.body.user).ask('x')).toBeString()

// @ts-expect-error not a client
meter({}, 'cus_1')
// @ts-expect-error a client of nobody
meter(new Map(), 'cus_1')
// @ts-expect-error no customer
meter(new OpenAI())
// @ts-expect-error a customer is text
meter(new OpenAI(), 7)
// @ts-expect-error a customer function answers text
meter(new OpenAI(), () => 7)
// @ts-expect-error an unknown option
meter(new OpenAI(), 'cus_1', { customer: 'x' })

const own = createMeter({ providers: [openaiProvider] })
expectTypeOf(own(new OpenAI(), 'cus_1')).toEqualTypeOf<OpenAI>()
expectTypeOf(own.withCustomer('cus_1', () => 7)).toBeNumber()
expectTypeOf(own.withCustomer('cus_1', async () => 'x')).toEqualTypeOf<Promise<string>>()
own.on('usage', (record) => {
  expectTypeOf(record.tokens.cachedInput).toBeNumber()
  expectTypeOf(record.customer).toEqualTypeOf<string | null>()
})
// @ts-expect-error an event that does not exist
own.on('tokens', () => {})
// @ts-expect-error a client that none of its providers knows
own({ chat: {} }, 'cus_1')

const completion = await meter(new OpenAI(), 'cus_1').chat.completions.create({
  model: 'gpt-5.4',
  messages: [],
})
expectTypeOf(completion).toEqualTypeOf<
  OpenAI.Chat.Completions.ChatCompletion & { _request_id?: string | null }
>()
