import { readFileSync } from 'node:fs'
import { observeBody, ObservedCall } from '@token-meter/core/adapter'
import type { Endpoint } from '@token-meter/core/wire'

/** What became of one streamed body: its records before they have an id, and what its caller got. */
export interface FollowedStream {
  readonly readings: readonly unknown[]
  readonly passed: string
  /** How many events were parsed. */
  readonly parsed: number
}

/**
 * Follows the events of a recording as far as a place, `times` over: by an endpoint as it is, and by one
 * whose reader is shown every event. Both have to come to the same.
 */
export function followedTwice(
  endpoint: Endpoint,
  lines: readonly string[],
  options: { readonly provider: string; readonly hidesUsage?: boolean },
): readonly [skimmed: FollowedStream, read: FollowedStream] {
  return [follow(endpoint, lines, options, true), follow(endpoint, lines, options, false)]
}

/** The events of a recorded stream, each as it stood in its body. */
export function recordedEvents(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const { type } = JSON.parse(line) as { type?: unknown }
      return typeof type === 'string' ? `event: ${type}\ndata: ${line}\n\n` : `data: ${line}\n\n`
    })
}

function follow(
  endpoint: Endpoint,
  lines: readonly string[],
  { provider, hidesUsage = false }: { readonly provider: string; readonly hidesUsage?: boolean },
  isSkimmed: boolean,
): FollowedStream {
  let parsed = 0
  const watched: Endpoint = {
    ...endpoint,
    openStream(call, output, answer) {
      const reader = endpoint.openStream!(call, output, answer)
      const push = reader.push.bind(reader)
      reader.push = (event) => {
        parsed++
        return push(event)
      }
      if (!isSkimmed) reader.plain = () => undefined
      return reader
    },
  }
  const readings: unknown[] = []
  const sink = {
    record: (_: unknown, completed: readonly unknown[]) => void readings.push(...completed),
    keep: () => {},
    trackPending: () => {},
    defer: () => () => {},
    fault: (what: string) => void readings.push(what),
  }
  const body = { model: 'asked', messages: [{ role: 'user', content: 'hi' }], input: 'hi' }
  const call = { provider, endpoint: endpoint.name, method: 'POST', body }
  const observed = new ObservedCall(call, watched, { customer: 'cus_1', attributes: {} }, sink)
  if (hidesUsage) {
    observed.rewrite = {
      apply: () => undefined,
      hidesUsage: () => true,
      isRefusal: () => false,
      refused: () => {},
    }
  }
  const observer = observeBody(observed, 'text/event-stream')
  const encoder = new TextEncoder()
  const pieces = lines.map((line) => Buffer.from(observer.push(encoder.encode(line))))
  observer.interrupt()
  return { readings, passed: Buffer.concat(pieces).toString(), parsed }
}
