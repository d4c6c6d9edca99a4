/**
 * Says how many bytes of the heap each operation takes. A process of its own, without the compilers
 * that would make it depend on their timing, so that a run differs from the next by some percent.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aggregated, createMeter, memoryOutbox, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import type OpenAI from 'openai'
import { benchRecords, benchUsage } from '../bench-usage.ts'
import { allocated, onTop, outlived } from './allocated.ts'
import { cannedOpenAI, chunkCount } from './canned-openai.ts'

const folder = mkdtempSync(join(tmpdir(), 'token-meter-gate-'))
const times = 2000

/** Times an append, after some that prepare what is prepared once. */
async function ofAppend(outbox: Outbox): Promise<number> {
  const records = benchRecords(times + 500)
  for (const record of records.slice(times)) await outbox.append([record])
  return await allocated(times, (time) => outbox.append(records.slice(time, time + 1)))
}

/** Per record of batches that are claimed, and settled as delivered. */
async function ofDelivery(outbox: Outbox): Promise<number> {
  const send = async (): Promise<void> => {
    const batch = await outbox.claim('gate', { limit: 100, leaseMs: 60_000 })
    if (batch === undefined) throw new Error('nothing waits')
    await outbox.settle(
      batch,
      batch.entries.map(() => ({ status: 'accepted' })),
    )
  }
  await send()
  return (await allocated(times / 100, send)) / 100
}

async function ofAggregation(): Promise<number> {
  const sink = aggregated({
    name: 'gate',
    send: async ({ entries }) => entries.map(() => ({ status: 'accepted' })),
  })
  const entries = benchRecords(times).map((record) => ({
    record,
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
  }))
  const batch = { id: 'gate', sink: 'gate', lease: 'gate', entries }
  const send = () => sink.send(batch, new AbortController().signal)
  await send()
  return (await allocated(5, send)) / times
}

async function ofManualUsage(): Promise<number> {
  const meter = createMeter({ providers: [], outbox: memoryOutbox() })
  const record = (time: number) => meter.record(benchUsage(time, 1e12 + time))
  await allocated(500, record)
  return await allocated(times, record)
}

async function ofCalls(): Promise<Record<string, number>> {
  const meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
  const [raw, metered] = [cannedOpenAI(), meter(cannedOpenAI(), 'cus_1')]
  // Keeps no record, so that nothing has a reason to stay.
  const empty = createMeter({
    providers: [openaiProvider],
    outbox: { ...memoryOutbox(), append: () => {} },
  })
  const unkept = empty(cannedOpenAI(), 'cus_1')
  const body = { model: 'gpt-5.4', messages: [{ role: 'user', content: 'hi' }] } as const
  const call = (client: OpenAI) => () =>
    client.chat.completions.create({ ...body, messages: [...body.messages] })
  const stream = (client: OpenAI) => async () => {
    const options = { stream_options: { include_usage: true } }
    const chunks = await client.chat.completions.create({
      ...body,
      ...options,
      messages: [...body.messages],
      stream: true,
    })
    let count = 0
    for await (const _ of chunks) count++
    if (count !== chunkCount) throw new Error(`${count} chunks came`)
  }
  for (const client of [raw, metered, unkept]) {
    await allocated(100, call(client))
    await allocated(2, stream(client))
  }
  return {
    'meter(client)': await allocated(times, () => meter(raw, 'cus_1')),
    'plain call': await onTop(allocated, 200, call(raw), call(metered)),
    'plain call, outlived': await onTop(outlived, 400, call(raw), call(unkept)),
    'streamed chunk': (await onTop(allocated, 3, stream(raw), stream(metered))) / chunkCount,
  }
}

const memory = memoryOutbox()
const sqlite = sqliteOutbox(join(folder, 'process.db'))
const group = sqliteOutbox(join(folder, 'group.db'), { durability: 'group' })
const result = {
  ...(await ofCalls()),
  'meter.record(), memory': await ofManualUsage(),
  'append, memory': await ofAppend(memory),
  'append, sqlite process': await ofAppend(sqlite),
  'append, sqlite group': await ofAppend(group),
  'deliver, memory': await ofDelivery(memory),
  'deliver, sqlite': await ofDelivery(sqlite),
  'sum up': await ofAggregation(),
}
for (const outbox of [memory, sqlite, group]) await outbox.close()
rmSync(folder, { recursive: true, force: true })
process.send?.(result)
process.disconnect?.()
