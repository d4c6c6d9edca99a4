import { recordings, type Recording } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { describe, expect, test } from 'vitest'
import type { UsageRecord } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { request } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const recorded = recordings().filter(({ provider }) => provider === 'anthropic')

const isAbsent = recordingsAreAbsent()

describe.each(isAbsent ? [] : sdkMajors)(
  'recorded traffic through @anthropic-ai/sdk $version',
  ({ Anthropic }) => {
    test.each(recorded)('$name', async (recording) => {
      await using run = await startMetered(Anthropic)
      run.server.serve(recording.file)
      await play(run.metered, recording)
      expect(run.records.map(asExpected)).toEqual(recording.expected)
      expect(run.records.every(({ outcome }) => outcome === 'complete')).toBe(true)
      expect(run.errors).toEqual([])
    })

    test.each(recorded)("$name, from the vendor's own host", async (recording) => {
      let address = ''
      await using run = await startMetered(Anthropic, {
        client: {
          baseURL: 'https://api.anthropic.com',
          fetch: (url: string, init: RequestInit) => fetch(address + new URL(url).pathname, init),
        },
      })
      address = run.server.url
      run.server.serve(recording.file)
      await play(run.metered, recording)
      expect(run.records.map(asExpected)).toEqual(recording.expected)
      expect(run.records.every(({ provider }) => provider === 'anthropic')).toBe(true)
    })

    test.each(recorded)('$name, through middleware of the application', async (recording) => {
      await using run = await startMetered(Anthropic, {
        client: {
          middleware: [async (sent: unknown, next: (sent: unknown) => unknown) => await next(sent)],
        },
      })
      run.server.serve(recording.file)
      await play(run.metered, recording)
      expect(run.records.map(asExpected)).toEqual(recording.expected)
      expect(run.errors).toEqual([])
    })
  },
)

async function play(client: SdkClient, { stream }: Recording): Promise<void> {
  const answer = await client.messages.create({ ...request, model: 'asked', stream })
  if (!(Symbol.asyncIterator in answer)) return
  for await (const _ of answer);
}

function asExpected({ model, tokens }: UsageRecord): object {
  const { input, cachedInput, cachedWrite, output } = tokens
  return { model, input, cached_input: cachedInput, cached_write: cachedWrite, output }
}
