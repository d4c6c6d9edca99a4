import Anthropic from '@anthropic-ai/sdk'
import { openai as vercelOpenAI } from '@ai-sdk/openai'
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'
import { GoogleGenAI } from '@google/genai'
import { aiSdkProvider, meter as meterModel } from '@token-meter/ai-sdk'
import { anthropicProvider, meter as meterAnthropic } from '@token-meter/anthropic'
import { bedrockProvider, meter as meterBedrock } from '@token-meter/bedrock'
import { createMeter } from '@token-meter/core'
import { gptTokenizer } from '@token-meter/core/gpt-tokenizer'
import { googleProvider, meter as meterGoogle } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'

export const anthropic: Anthropic = meterAnthropic(new Anthropic(), 'c')
export const google: GoogleGenAI = meterGoogle(new GoogleGenAI({}), 'c')
export const bedrock: BedrockRuntimeClient = meterBedrock(new BedrockRuntimeClient({}), 'c')
const model = vercelOpenAI('gpt-5.4')
export const metered: typeof model = meterModel(model, 'c')

// @ts-expect-error: another SDK's client
meterAnthropic(new OpenAI(), 'c')
// @ts-expect-error: another SDK's client
meterBedrock(new OpenAI(), 'c')
// @ts-expect-error: a model is named, not given
meterModel('openai/gpt-5.4', 'c')

const meter = createMeter({
  providers: [openaiProvider, anthropicProvider, googleProvider, bedrockProvider, aiSdkProvider],
  tokenizer: gptTokenizer(),
  onInterrupted: 'partial-only',
})
export const all: [OpenAI, Anthropic, GoogleGenAI, BedrockRuntimeClient, typeof model] = [
  meter(new OpenAI(), 'c'),
  meter(new Anthropic(), 'c'),
  meter(new GoogleGenAI({}), 'c'),
  meter(new BedrockRuntimeClient({}), 'c'),
  meter(model, 'c'),
]
