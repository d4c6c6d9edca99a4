// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai'
import type {
  EmbeddingModelV4,
  ImageModelV4,
  LanguageModelV4,
  SpeechModelV4,
  TranscriptionModelV4,
} from '@ai-sdk/provider'
import { createGateway, generateText, type LanguageModel, wrapLanguageModel } from 'ai'
import { createOpenAI as createOpenAI2 } from 'ai-openai2'
import { createOpenAI as createOpenAI3 } from 'ai-openai3'
import { wrapLanguageModel as wrapLanguageModel5 } from 'ai5'
import { wrapLanguageModel as wrapLanguageModel6 } from 'ai6'
import { expectTypeOf } from 'vitest'
import { aiSdkProvider, createMeter, meter, meterMiddleware } from '../src/index.ts'

const openai = createOpenAI()
const openai2 = createOpenAI2()
const openai3 = createOpenAI3()

expectTypeOf(meter(openai('gpt-5.4'), 'cus_1')).toEqualTypeOf<LanguageModelV4>()
expectTypeOf(meter(openai.embedding('e'), 'cus_1')).toEqualTypeOf<EmbeddingModelV4>()
expectTypeOf(meter(openai.image('i'), 'cus_1')).toEqualTypeOf<ImageModelV4>()
expectTypeOf(meter(openai.speech('s'), 'cus_1')).toEqualTypeOf<
  ReturnType<typeof openai.speech> & SpeechModelV4
>()
expectTypeOf(meter(openai.transcription('t'), 'cus_1')).toExtend<TranscriptionModelV4>()
expectTypeOf(meter(openai, 'cus_1')).toEqualTypeOf<OpenAIProvider>()
expectTypeOf(meter(createAnthropic(), 'cus_1')('m')).toEqualTypeOf<LanguageModelV4>()
expectTypeOf(meter(createGateway(), 'cus_1')('openai/gpt-5')).toEqualTypeOf<LanguageModelV4>()
expectTypeOf(meter(openai2('m'), 'cus_1')).toEqualTypeOf<ReturnType<typeof openai2>>()
expectTypeOf(meter(openai3('m'), (call) => call.body.user)).toEqualTypeOf<
  ReturnType<typeof openai3>
>()
generateText({ model: meter(openai2('m'), 'cus_1'), prompt: '' })

const middleware = meterMiddleware('cus_1')
wrapLanguageModel({ model: openai('m'), middleware })
wrapLanguageModel6({ model: openai3('m'), middleware: [middleware] })
wrapLanguageModel5({ model: openai2('m'), middleware })

// @ts-expect-error a model id is no model
meter('openai/gpt-5', 'cus_1')
// @ts-expect-error what can be a model id is no model either
meter({} as LanguageModel, 'cus_1')
// @ts-expect-error no model
meter({}, 'cus_1')
// @ts-expect-error no customer
meter(openai('m'))
// @ts-expect-error a customer is text
meter(openai('m'), 7)
// @ts-expect-error an unknown option
meter(openai('m'), 'cus_1', { customer: 'x' })

const own = createMeter({ providers: [aiSdkProvider] })
expectTypeOf(own(openai('m'), 'cus_1')).toEqualTypeOf<LanguageModelV4>()
meterMiddleware('cus_1', { meter: own, attributes: { feature: 'chat' } })
