import { onTestFinished } from 'vitest'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import type { Outbox } from '@token-meter/core/outbox'
import { openaiProvider } from '@token-meter/openai'
import { createCredits, type GuardOptions } from '../src/index.ts'
import { type Body, type Reply, startProvider } from './provider.ts'

/** A millionth of a dollar a token read, ten a token written. */
export const price = { input: 1, cachedInput: 1, output: 10 }

/** Meter, credits and guard as an application has them, and real clients of a provider on loopback. */
export async function startMetered(
  outbox: Outbox,
  { reply, ...options }: GuardOptions & { readonly reply: (body: Body) => Reply },
) {
  const provider = await startProvider(reply)
  const calculate = cost({ prices: () => price })
  const credits = createCredits({ outbox, ephemeral: true, cost: calculate })
  const meter = createMeter({
    providers: [openaiProvider, anthropicProvider],
    outbox,
    cost: calculate,
    guard: credits.guard(options),
    onError: () => undefined,
  })
  credits.on('error', () => undefined)
  let closing: Promise<void> | undefined
  const close = () => (closing ??= closeAll())
  async function closeAll(): Promise<void> {
    await provider.close()
    await meter.close()
    await outbox.close()
  }
  onTestFinished(close)
  const openai = new OpenAI({ apiKey: 'k', baseURL: `${provider.url}/v1`, maxRetries: 2 })
  const anthropic = new Anthropic({ apiKey: 'k', baseURL: provider.url, maxRetries: 2 })
  return { provider, credits, meter, outbox, openai, anthropic, close }
}
