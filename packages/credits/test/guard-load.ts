/** Load through a guard: callers of one account in several processes, and a provider on loopback. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Outbox } from '@token-meter/core/outbox'
import { createCredits, type GuardOptions } from '../src/index.ts'
import type { GuardCallerOrder } from './guard-caller.ts'
import { type Body, type Reply, startProvider } from './provider.ts'

const caller = fileURLToPath(new URL('guard-caller.ts', import.meta.url))
const run = promisify(execFile)

const question = {
  model: 'gpt-test',
  messages: [{ role: 'user', content: 'What is the answer to the great question of life?' }],
}

/** A millionth of a dollar a token read, ten a token written. */
const price = { input: 1, output: 10 }

/** What differs from one load to another. */
type Kind = Omit<Load, 'processes' | 'callers' | 'isControl'>

/** How many calls of `exactly` there is credit for. */
export const expectedCalls = 120

/** Each call costs what is held for it: only its output costs, and is as long as it may be. */
export const exactly: Kind = {
  usd: '0.024',
  body: { ...question, max_tokens: 20 },
  price: { input: 0, output: 10 },
  reply: () => ({ input: 12, output: 20 }),
}

/** Each call can cost what is held for it at the most, and mostly costs less. */
export const boundedOutput: Kind = {
  usd: '0.02',
  body: { ...question, max_tokens: 20 },
  price,
  guard: { estimate: 'bound' },
  reply: () => ({ input: Math.ceil(Math.random() * 49), output: Math.ceil(Math.random() * 20) }),
}

/** What is held for a call can be less than it costs: its output is not capped. */
export const allInput: Kind = {
  usd: '0.02',
  body: question,
  price,
  guard: { defaultMaxOutput: 20 },
  reply: () => ({ input: 12, output: Math.ceil(Math.random() * 60) }),
}

export interface Load {
  readonly processes: number
  /** Of all processes together. */
  readonly callers: number
  readonly usd: string
  readonly body: Body
  readonly price: { readonly input: number; readonly output: number }
  readonly guard?: GuardOptions
  readonly isControl?: boolean
  readonly reply: (body: Body) => Reply
}

/** What came of it; amounts in millionths of a dollar. */
export interface LoadResult {
  readonly admitted: number
  readonly available: number
  readonly held: number
  readonly charged: number
  /** What calls used beyond what was held for them: the most that can be overspent. */
  readonly beyond: number
}

/** @param at the file, or the schema and the database, of the outbox. */
export async function load(
  outbox: Outbox,
  at: { readonly path: string; readonly url?: string },
  { processes, callers, usd, body, price, guard = {}, isControl = false, reply }: Load,
): Promise<LoadResult> {
  let beyond = 0
  const provider = await startProvider((one) => {
    const replied = reply(one)
    const cap = Number(one['max_tokens'] ?? guard.defaultMaxOutput)
    // Of the input at least as much is held as it is; what a guess is short of is not counted here.
    beyond += Math.max(0, replied.output - cap) * price.output
    return replied
  })
  const credits = createCredits({ outbox, busyMs: 60_000 })
  await credits.grant('cus_1', { usd, idempotencyKey: 'pack' })
  const beginAt = Date.now() + 2000
  const orders = Array.from({ length: processes }, (_, process): GuardCallerOrder => {
    const own = Math.ceil((callers - process) / processes)
    const what = { provider: provider.url, callers: own, body, guard, price, isControl }
    return { ...at, ...what, process, beginAt }
  })
  try {
    const outputs = await Promise.all(
      orders.map(async (order) => {
        const { stdout } = await run(process.execPath, [caller, JSON.stringify(order)])
        return JSON.parse(stdout) as { readonly admitted: number }
      }),
    )
    const { available, held } = await credits.balance('cus_1')
    const admitted = outputs.reduce((sum, output) => sum + output.admitted, 0)
    const millionths = (text: string) => Math.round(Number(text) * 1e6)
    return {
      admitted,
      available: millionths(available),
      held: millionths(held),
      charged: millionths(usd) - millionths(available),
      beyond,
    }
  } finally {
    await provider.close()
  }
}
