import {
  type ClientOptions,
  createMeter,
  type Customer,
  type Guard,
  memoryOutbox,
  type Meter,
  type Outbox,
  type Sink,
  type TokenMeterError,
  type UsageRecord,
} from '@token-meter/core'
import { expect } from 'vitest'
import type { ReplayServer } from '../replay/replay-server.ts'
import type { ProviderUnderTest, SendOptions } from './provider-under-test.ts'

/** What a test of the suite gets: `await using run = await start()`. */
export type Start<Client extends object> = (options?: RunOptions) => Promise<ProviderRun<Client>>

export interface RunOptions extends ClientOptions {
  /** @default 'cus_1' */
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  readonly guard?: Guard
  readonly outbox?: Outbox
  readonly sinks?: readonly Sink[]
}

/** A raw and a metered client of the provider under test, and what the meter says. */
export interface ProviderRun<Client extends object> extends AsyncDisposable {
  readonly suite: ProviderUnderTest<Client>
  readonly server: ReplayServer
  readonly meter: Meter<object>
  readonly raw: Client
  readonly metered: Client
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
  /** Another client, neither metered nor used. */
  another(): Client
  /** Queues the usual answer, whole or streamed. */
  serveAnswer(times?: number): void
  serveEvents(options?: Parameters<ReplayServer['serve']>[1]): void
  /** Asks for a whole answer. */
  send(client?: Client, options?: SendOptions): PromiseLike<unknown>
  /** Asks for a streamed answer. */
  stream(client?: Client, options?: SendOptions): PromiseLike<AsyncIterable<unknown>>
  /** Waits until so many records are there and nothing of a response is read any more. */
  recorded(count?: number): Promise<void>
}

export const prompt = 'Say something short, please.'
export const said = ['Hello', ' there', ' and', ' good day.'] as const
export const wholeText = said.join('')
export const providerKey = 'sk-key-of-the-caller'

/** What differs between two answers of a real server is the same in these. */
export const sameHeaders = {
  'x-request-id': 'req_of_provider',
  date: 'Sun, 01 Nov 2026 12:00:00 GMT',
}

let runs = 0

/** How runs are started, on a server that all tests of a file share. */
export function harness<Client extends object>(
  suite: ProviderUnderTest<Client>,
  server: () => ReplayServer,
): Start<Client> {
  return async (given = {}) => {
    const { customer = 'cus_1', outbox, sinks, onMissingCustomer, guard, ...options } = given
    const records: UsageRecord[] = []
    const errors: TokenMeterError[] = []
    const meter = createMeter({
      providers: [suite.provider],
      outbox: outbox ?? memoryOutbox(),
      ...(sinks && { sinks }),
      ...(onMissingCustomer && { onMissingCustomer }),
      ...(guard && { guard }),
      onError: (error) => void errors.push(error),
    })
    meter.on('usage', (record) => void records.push(record))
    server().forget()
    // What a server refuses is remembered by its base URL.
    const baseUrl = `${server().url}/run-${runs++}`
    const another = () => suite.client(baseUrl, providerKey)
    const metered = meter(another(), customer, options)
    const { request, wire } = suite
    return {
      suite,
      server: server(),
      meter,
      raw: another(),
      metered,
      records,
      errors,
      another,
      serveAnswer: (times = 1) =>
        server().serve(wire.answer(wholeText, wire.usage), { times, headers: sameHeaders }),
      serveEvents: (reply = {}) =>
        server().serve(wire.events(said, [wire.usage]), { headers: sameHeaders, ...reply }),
      send: (client = metered, sending = {}) => suite.send(client, request.of(prompt), sending),
      stream: (client = metered, sending = {}) => suite.stream(client, request.of(prompt), sending),
      async recorded(count = 1) {
        await until(() => records.length >= count, `there are ${count} records`)
        // What is read behind the caller's back is read by then: a second record would be there.
        await meter.flush()
        await nextTask()
        expect(records).toHaveLength(count)
      },
      [Symbol.asyncDispose]: () => meter.close().then(() => {}),
    }
  }
}

/** Waits until something is true, for what happens behind the caller's back. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const began = Date.now(); !isTrue();) {
    if (Date.now() - began > 10_000) throw new Error(`waited 10 s in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Until what is on its way in this process has arrived. */
export async function nextTask(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Reads a stream to its end. */
export async function readAll(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** What a call came to, so that two can be compared: its value, or its error. */
export async function outcomeOf(call: () => PromiseLike<unknown>): Promise<object> {
  try {
    return { value: await call() }
  } catch (thrown) {
    const error = thrown as Error
    // What an error holds of its request and its socket is of one call alone.
    const isPlain = (value: unknown) => typeof value !== 'object' && typeof value !== 'function'
    const fields = Object.entries(error ?? {}).filter(([, value]) => isPlain(value))
    return { error: String(error), of: error?.constructor, fields }
  }
}

/** The same of a stream: what was read of it, and how it ended. */
export async function streamOutcome(
  open: () => PromiseLike<AsyncIterable<unknown>>,
): Promise<object> {
  const events: unknown[] = []
  const { value: _, ...end } = (await outcomeOf(async () => {
    for await (const event of await open()) events.push(JSON.stringify(event))
  })) as { value?: unknown }
  return { events, end }
}

/** Reads until the first text, and leaves there. */
export async function leaveAtText<Client extends object>(
  { suite }: ProviderRun<Client>,
  stream: AsyncIterable<unknown>,
): Promise<void> {
  for await (const event of stream) if (suite.read.eventText(event) !== '') return
}

/** How many events come until the first text is there. */
export function eventsUntilText({ wire }: Pick<ProviderUnderTest, 'wire'>): number {
  const events = wire.events(said, [wire.usage])
  return events.findIndex((event) => JSON.stringify(event).includes(`"${said[0]}"`)) + 1
}
