import type { Meter } from '@token-meter/core'

/** `usage` of a `turn.completed` of `@openai/codex-sdk`: totals of the whole thread, not of the turn. */
export interface ThreadTotals {
  input_tokens: number
  cached_input_tokens: number
  cache_write_input_tokens: number
  output_tokens: number
  reasoning_output_tokens: number
}

/** What a turn belongs to. */
export interface CodexTurn {
  customer: string
  /** `thread.id` */
  threadId: string
  /** What the thread was started with: no event names it. */
  model: string
  /**
   * The totals that were recorded last, by thread. A thread that is resumed goes on with them, in another
   * process too: keep them where you keep the thread's id.
   */
  totals: Map<string, ThreadTotals>
}

const none: ThreadTotals = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_input_tokens: 0,
  output_tokens: 0,
  reasoning_output_tokens: 0,
}

/** Records what a thread used since its last turn. */
export async function recordCodexTurn(
  meter: Pick<Meter, 'record'>,
  now: ThreadTotals,
  { customer, threadId, model, totals }: CodexTurn,
): Promise<void> {
  const known = totals.get(threadId) ?? none
  const isLess = (Object.keys(none) as (keyof ThreadTotals)[]).some(
    (name) => now[name] < known[name],
  )
  const before = isLess ? none : known
  const used = (name: keyof ThreadTotals) => now[name] - before[name]
  const cachedInput = used('cached_input_tokens')
  const cachedWrite = used('cache_write_input_tokens')
  // The input counts both.
  const input = used('input_tokens') - cachedInput - cachedWrite
  await meter.record({
    // The same turn, seen again, is recorded once.
    id: `codex:${threadId}:${now.input_tokens}:${now.output_tokens}`,
    customer,
    provider: 'openai',
    model,
    endpoint: 'codex',
    tokens: { input, cachedInput, cachedWrite, output: used('output_tokens') },
    details: { reasoning: used('reasoning_output_tokens') },
    requests: null,
  })
  totals.set(threadId, now)
}
