import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReplyOptions } from './replay-reply.ts'

/** How a stream ended: all sent, cut by the server, left hanging, or given up by the client. */
export type StreamEnd = 'complete' | 'cut' | 'hanging' | 'client-gone'

/** Writes events at the pace that the client reads them and `gapMs` asks for. */
export async function sendEvents(
  response: ServerResponse,
  events: readonly (string | Uint8Array)[],
  options: ReplyOptions,
  sent: () => void,
): Promise<StreamEnd> {
  const { gapMs = 0, cutAfterEvents = Infinity, hangAfterEvents = Infinity } = options
  for (const [index, event] of events.entries()) {
    if (index >= cutAfterEvents) return 'cut'
    if (index >= hangAfterEvents) return 'hanging'
    if (index > 0 && gapMs > 0) await sleep(gapMs)
    if (!(await write(response, event))) return 'client-gone'
    sent()
  }
  if (events.length >= cutAfterEvents) return 'cut'
  return events.length >= hangAfterEvents ? 'hanging' : 'complete'
}

async function write(response: ServerResponse, event: string | Uint8Array): Promise<boolean> {
  if (response.destroyed) return false
  if (response.write(event)) return true
  const ended = new AbortController()
  const { signal } = ended
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  ended.abort()
  return !response.destroyed
}
