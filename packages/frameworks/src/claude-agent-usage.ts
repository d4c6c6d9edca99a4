import type { Meter } from '@token-meter/core'

/** What is read of a message of type `result` of `@anthropic-ai/claude-agent-sdk`. */
export interface AgentResult {
  uuid: string
  session_id: string
  is_error: boolean
  modelUsage: Record<string, ModelTotals>
}

/** Running totals of the whole session on one model, not what this turn used. */
export interface ModelTotals {
  inputTokens: number
  outputTokens: number
  cacheReadInputTokens: number
  cacheCreationInputTokens: number
  webSearchRequests: number
  thinkingTokens?: number
  cacheCreationEphemeral5mInputTokens?: number
  cacheCreationEphemeral1hInputTokens?: number
}

/**
 * The totals that were recorded last, by session. A session that is resumed goes on with them, in
 * another process too: keep them where you keep the session's id.
 */
export type SessionTotals = Map<string, AgentResult['modelUsage']>

const counts = [
  'inputTokens',
  'cacheReadInputTokens',
  'cacheCreationInputTokens',
  'outputTokens',
] as const

/**
 * Records what a session used since its last result.
 *
 * @param resumed the session that this one was resumed or forked from (`options.resume`): the first
 * result counts its turns again.
 */
export async function recordAgentResult(
  meter: Pick<Meter, 'record'>,
  result: AgentResult,
  { customer, totals, resumed }: { customer: string; totals: SessionTotals; resumed?: string },
): Promise<void> {
  const now = result.modelUsage
  const models = Object.keys(now)
  // A start that failed says zeros, which take nothing back.
  const isEmpty = models.every((model) => counts.every((name) => now[model]?.[name] === 0))
  if (result.is_error && isEmpty) return
  const known = totals.get(result.session_id) ?? totals.get(resumed ?? '') ?? {}
  // After /clear the totals begin anew.
  const isCleared = Object.entries(known).some(([model, before]) =>
    counts.some((name) => (now[model]?.[name] ?? 0) < before[name]),
  )

  for (const [index, model] of models.entries()) {
    const before = isCleared ? undefined : known[model]
    const used = (name: keyof ModelTotals) => (now[model]?.[name] ?? 0) - (before?.[name] ?? 0)
    const tokens = {
      input: used('inputTokens'),
      cachedInput: used('cacheReadInputTokens'),
      cachedWrite: used('cacheCreationInputTokens'),
      output: used('outputTokens'),
    }
    if (Object.values(tokens).every((count) => count === 0)) continue
    await meter.record({
      // The same result, seen again, is recorded once.
      id: `${result.uuid}:${index}`,
      customer,
      provider: 'anthropic',
      model,
      endpoint: 'claude-agent',
      tokens,
      details: {
        reasoning: used('thinkingTokens'),
        cachedWrite5m: used('cacheCreationEphemeral5mInputTokens'),
        cachedWrite1h: used('cacheCreationEphemeral1hInputTokens'),
        webSearchRequests: used('webSearchRequests'),
      },
      requests: null,
    })
  }
  totals.set(result.session_id, now)
}
