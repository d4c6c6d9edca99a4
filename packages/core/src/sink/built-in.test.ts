import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { BatchEntry } from './batch.ts'
import { consoleSink } from './built-in.ts'

const entry = (record: BatchEntry['record']): BatchEntry => ({
  record,
  attempts: 0,
  firstAttemptAt: undefined,
  uncertainSince: undefined,
  deliveredEventIds: [],
})

test('prints a line per meter event, and takes everything', async () => {
  const lines: string[] = []
  const sink = consoleSink({ write: (line) => void lines.push(line) })
  const tokens = { input: 12, cachedInput: 0, cachedWrite: 0, output: 3 }
  const records = [
    exampleRecord({ customer: 'cus_1', tokens }),
    exampleRecord({ customer: 'cus_2', tokens, outcome: 'estimated' }),
    exampleRecord({ customer: 'cus_3', tokens, unbilled: 'refusal:cyber' }),
    exampleRecord({ customer: 'cus_4', tokens, outcome: 'estimated', unbilled: 'linked' }),
  ]
  const batch = { id: 'b', sink: 'console', lease: 'l', entries: records.map(entry) }
  expect(await sink.send(batch, new AbortController().signal)).toEqual([
    { status: 'accepted' },
    { status: 'accepted' },
    { status: 'accepted' },
    { status: 'accepted' },
  ])
  expect(lines).toEqual([
    'cus_1  openai/gpt-5.4  input  12',
    'cus_1  openai/gpt-5.4  output  3',
    'cus_2  openai/gpt-5.4  input  12 (estimated)',
    'cus_2  openai/gpt-5.4  output  3 (estimated)',
    'cus_3  openai/gpt-5.4  input  12 (unbilled: refusal:cyber)',
    'cus_3  openai/gpt-5.4  output  3 (unbilled: refusal:cyber)',
    'cus_4  openai/gpt-5.4  input  12 (estimated, unbilled: linked)',
    'cus_4  openai/gpt-5.4  output  3 (estimated, unbilled: linked)',
  ])
})
