import {
  createMeter,
  memoryOutbox,
  type Meter,
  type Provider,
  type UsageRecord,
} from '@token-meter/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Reply } from '../replay/replay-reply.ts'
import { type ReplayServer, startReplayServer } from '../replay/replay-server.ts'
import { recordingsAreAbsent } from './recorded-billing.ts'
import { type Recording, recordings } from './recordings.ts'

/** A provider whose requests a `fetch` makes as its SDK does. */
export interface FetchUnderTest {
  readonly provider: Provider
  /** Whose recordings are read: the name of their folder. */
  readonly recorded: string
  /** Asks by the SDK, metered for `cus_1`, and reads the answer to its end. */
  askBySdk(meter: Meter, baseUrl: string, recording: Recording): Promise<void>
  /** The same request: what stands behind the base URL, and its body. */
  request(recording: Recording): { readonly path: string; readonly body: object }
  /** What a server answers. @default the recording, each time */
  reply?(recording: Recording, time: string): Reply
  /** A record without what differs from one call to the next. */
  comparable?(record: UsageRecord): object
}

/**
 * What `meter.fetch` records of an answer that is read as bytes, however they come, is what the metered
 * SDK records of it; and the bytes are those of the server.
 */
export function describeFetch(under: FetchUnderTest): void {
  const own = recordings().filter(({ provider }) => provider === under.recorded)
  let server: ReplayServer

  beforeAll(async () => {
    server = await startReplayServer()
  })
  afterAll(() => server.close())

  describe.skipIf(recordingsAreAbsent())(`meter.fetch as ${under.recorded}`, () => {
    test('has recordings', () => {
      expect(own.length).toBeGreaterThan(0)
    })

    test.each(own)('$name', async (recording) => {
      const records: UsageRecord[] = []
      const said: string[] = []
      await using meter = createMeter({
        providers: [under.provider],
        outbox: memoryOutbox(),
        onError: ({ message }) => void said.push(message),
      })
      meter.on('usage', (record) => void records.push(record))
      const taken = () => records.splice(0).map((record) => comparable(under, record))
      server.forget()
      for (const time of ['sdk', 'raw', 'whole', 'pieces']) {
        server.serve(under.reply?.(recording, time) ?? recording.file)
      }

      await under.askBySdk(meter, server.url, recording)
      const bySdk = taken()
      const bySdkSaid = said.splice(0)
      const { path, body } = under.request(recording)
      const headers = { 'content-type': 'application/json' }
      const init = { method: 'POST', body: JSON.stringify(body), headers }
      const raw = await bytesOf(await fetch(server.url + path, init))

      // Not asked for its usage, it is the server's very answer.
      const plain = meter.fetch('cus_1', { includeUsage: false })
      const whole = await (await plain(server.url + path, init)).arrayBuffer()
      // Where an answer comes once in a process, its copies differ by their ids.
      if (under.reply === undefined) expect(Buffer.from(whole).equals(raw)).toBe(true)
      expect(taken()).toEqual(bySdk)

      await bytesOf(await meter.fetch('cus_1')(server.url + path, init))
      expect(taken()).toEqual(bySdk)

      const counted = recording.expected.filter(({ input, output }) => input + output > 0)
      expect(bySdk.length).toBeGreaterThanOrEqual(counted.length)
      expect(said.splice(0).filter((each) => !bySdkSaid.includes(each))).toEqual([])
    })
  })
}

function comparable({ comparable: own }: FetchUnderTest, record: UsageRecord): object {
  return { ...(own?.(record) ?? record), id: undefined, at: undefined, requestId: undefined }
}

/** Read as a stream, by small pieces of odd lengths. */
async function bytesOf(response: Response): Promise<Buffer> {
  const reader = response.body!.getReader({ mode: 'byob' })
  const pieces: Uint8Array[] = []
  for (let size = 7; ; size = (size * 31) % 997) {
    const { done, value } = await reader.read(new Uint8Array(size || 1))
    if (done) return Buffer.concat(pieces)
    pieces.push(value)
  }
}
