import { expect, vi } from 'vitest'
import type { GoogleGenAIOptions } from '@google/genai'
import {
  createMeter,
  googleProvider,
  memoryOutbox,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

/** What the meter made of the metered run. */
export interface MeteredRun {
  readonly records: readonly UsageRecord[]
  readonly errors: readonly TokenMeterError[]
}

/** A test of the SDK's own kind: answers what it saw, for a comparison. */
export type Scenario = (client: SdkClient) => unknown

/** Runs a scenario on a raw client and on a metered one, and expects the same outcome. */
export async function sideBySide(
  GoogleGenAI: SdkClass,
  scenario: Scenario,
  options: GoogleGenAIOptions = { apiKey: 'fake-api-key' },
): Promise<MeteredRun> {
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [googleProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const raw = await outcome(scenario, new GoogleGenAI(options))
  const metered = await outcome(scenario, meter(new GoogleGenAI(options), 'cus_1'))
  await meter.close()
  expect(metered).toEqual(raw)
  return { records, errors }
}

/** What was answered or thrown; an error of a broken scenario is no outcome of either. */
async function outcome(scenario: Scenario, client: SdkClient): Promise<unknown> {
  try {
    return { answered: await scenario(client) }
  } catch (error) {
    if (error instanceof ReferenceError) throw error
    return { thrown: seenError(error) }
  } finally {
    vi.restoreAllMocks()
  }
}

/** An error as a test of it sees it. */
export function seenError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return { class: error.constructor.name, message: error.message, fields: { ...error } }
}

/** What a promise came to, so that a scenario can go on behind a failure. */
export function settled(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (answered) => ({ answered }),
    (error: unknown) => ({ thrown: seenError(error) }),
  )
}

/** One answer of the stubbed `fetch`: a JSON body, events of a stream, or a status. */
export type Answer = object | readonly object[] | number

/** Puts a stub in place of the global `fetch`, as the SDK's tests do; answers what it was called with. */
export function stubFetch(...answers: readonly Answer[]): () => readonly unknown[] {
  const waiting = [...answers]
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    const answer = waiting.length > 1 ? waiting.shift() : waiting[0]
    return response(answer ?? 500)
  })
  return () =>
    spy.mock.calls.map(([input, init]) => {
      const request = input instanceof Request ? input : undefined
      const headers = [...new Headers(request?.headers ?? init?.headers)]
      return {
        url: request?.url ?? String(input),
        method: request?.method ?? init?.method,
        headers,
        body: init?.body,
        hasSignal: (request?.signal ?? init?.signal) !== undefined,
      }
    })
}

function response(answer: Answer): Response {
  if (typeof answer === 'number') {
    const error = { error: { code: answer, message: 'no', status: 'X' } }
    return Response.json(error, { status: answer, headers: { 'retry-after-ms': '1' } })
  }
  if (!Array.isArray(answer)) return Response.json(answer)
  const events = answer.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  return new Response(events, { headers: { 'content-type': 'text/event-stream' } })
}
