import type { ReplayEvent } from '@token-meter/testkit'
import type { Metered } from './metered.ts'
import { message } from './scripts.ts'

export const usage = {
  input_tokens: 2863,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 100_000,
  output_tokens: 1,
}
export const tokens = { input: 2863, cachedInput: 100_000, cachedWrite: 0, output: 1 }

export interface Refusal {
  readonly category?: unknown
  readonly content?: readonly object[]
  readonly token?: string
  /** Without any `stop_details`. */
  readonly isBare?: boolean
}

export const said = { type: 'text', text: 'The first step' }
const detailsOf = ({ category, token, isBare }: Refusal) =>
  isBare
    ? null
    : { type: 'refusal', category, explanation: 'a reason', fallback_credit_token: token ?? null }

export const refused = (refusal: Refusal) => ({
  ...message,
  content: refusal.content ?? [],
  stop_reason: 'refusal',
  stop_details: detailsOf(refusal),
  usage,
})

/** The same as a stream. */
export function refusedScript(refusal: Refusal): readonly ReplayEvent[] {
  return eventsOf(refusal.content ?? [], {
    stop_reason: 'refusal',
    stop_details: detailsOf(refusal),
  })
}

export function eventsOf(
  content: readonly object[],
  delta: object,
  final: object = usage,
): readonly ReplayEvent[] {
  return [
    {
      type: 'message_start',
      message: {
        ...message,
        content: [],
        stop_reason: null,
        usage: { ...usage, output_tokens: 1 },
      },
    },
    ...content.flatMap((block, index): ReplayEvent[] => [
      { type: 'content_block_start', index, content_block: block },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_sequence: null, ...delta }, usage: final },
    { type: 'message_stop' },
  ]
}

export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

export function serve(run: Metered, isStream: boolean, refusal: Refusal): void {
  run.server.serve(isStream ? refusedScript(refusal) : refused(refusal))
}
