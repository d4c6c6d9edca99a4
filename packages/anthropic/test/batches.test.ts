import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Metered, type MeteredOptions, startMetered } from './metered.ts'
import { countedTokens, message, request } from './scripts.ts'
import { type SdkClass, type SdkClient, sdkMajors } from './sdk-majors.ts'

const line = (custom_id: string, result: object) => JSON.stringify({ custom_id, result })
const succeeded = (id: string) => ({ type: 'succeeded', message: { ...message, id: `msg_${id}` } })

const results = [
  line('a', succeeded('a')),
  line('b', { type: 'errored', error: { type: 'error', error: { message: 'no' } } }),
  line('c', { type: 'canceled' }),
  line('d', { type: 'expired' }),
  line('e', succeeded('e')),
  'null',
  line('f', succeeded('f')),
].join('\n')

async function start(Anthropic: SdkClass, options?: MeteredOptions): Promise<Metered> {
  const run = await startMetered(Anthropic, options)
  const results_url = `${run.server.url}/v1/messages/batches/batch_1/results`
  const batch = { id: 'batch_1', type: 'message_batch', processing_status: 'ended', results_url }
  run.server.serve(batch, { path: '/batch_1', times: 9 })
  run.server.serve(Buffer.from(`${results}\n`), {
    path: '/results',
    times: 9,
    headers: { 'content-type': 'application/x-jsonl' },
  })
  return run
}

async function customIds(lines: AsyncIterable<{ custom_id: string } | null>): Promise<unknown[]> {
  const ids: unknown[] = []
  for await (const result of lines) ids.push(result?.custom_id)
  return ids
}

function shown(decoder: object): string {
  return inspect({ ...decoder, response: undefined }) + Object.getOwnPropertyNames(decoder).join()
}

const resources: readonly [string, (client: SdkClient) => SdkClient['messages']['batches']][] = [
  ['messages.batches', ({ messages }) => messages.batches],
  ['beta.messages.batches', ({ beta }) => beta.messages.batches as never],
]

describe.each(sdkMajors)('batches of @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test.each(resources)('%s.results: each request that succeeded, once', async (_, batches) => {
    await using run = await start(Anthropic)
    const all = ['a', 'b', 'c', 'd', 'e', undefined, 'f']
    expect(await customIds(await batches(run.metered).results('batch_1'))).toEqual(all)
    expect(run.records).toHaveLength(3)
    for (const record of run.records) {
      expect(record).toMatchObject({
        customer: 'cus_1',
        endpoint: 'messages.batches.results',
        model: message.model,
        tokens: countedTokens,
        outcome: 'complete',
      })
    }
    // Downloaded again, by another client too: the same ids, which the outbox knows.
    await customIds(await batches(run.metered).results('batch_1'))
    await customIds(await run.meter(run.raw, 'cus_2').messages.batches.results('batch_1'))
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(3)
    expect((await run.meter.stats()).recorded).toBe(3)
    expect(run.errors).toEqual([])
  })

  test('a line is recorded when it is read, and the rest when the caller comes back', async () => {
    await using run = await start(Anthropic)
    for await (const { custom_id } of await run.metered.messages.batches.results('batch_1')) {
      expect(run.records).toHaveLength(1)
      if (custom_id === 'a') break
    }
    await customIds(await run.metered.messages.batches.results('batch_1'))
    expect((await run.meter.stats()).recorded).toBe(3)
  })

  test('who pays can be found in each line', async () => {
    const calls: unknown[] = []
    await using run = await start(Anthropic, {
      customer: ({ endpoint, body }) => {
        calls.push([endpoint, { ...body }])
        return body.custom_id === undefined || body.custom_id === 'f'
          ? undefined
          : `cus_${body.custom_id}`
      },
      attributes: ({ body }) => ({ custom_id: body.custom_id }),
    })
    const download = () => run.metered.messages.batches.results('batch_1')
    const lines = await run.meter.withCustomer('cus_downloader', download)
    await customIds(lines)
    expect(run.records.map(({ customer }) => customer)).toEqual([
      'cus_a',
      'cus_e',
      'cus_downloader',
    ])
    expect(run.records[0]?.attributes).toEqual({ custom_id: 'a' })
    expect(calls[0]).toEqual(['messages.batches.results', { batch_id: 'batch_1' }])
    expect(calls[1]).toEqual(['messages.batches.results', { batch_id: 'batch_1', custom_id: 'a' }])
  })

  test('a download is never refused, and what it brings is kept unattributed', async () => {
    await using run = await start(Anthropic, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    await customIds(await run.metered.messages.batches.results('batch_1'))
    expect(run.records.map(({ customer }) => customer)).toEqual([null, null, null])
  })

  test('the decoder is the one of a raw client', async () => {
    await using run = await start(Anthropic)
    const metered = await run.metered.messages.batches.results('batch_1')
    const raw = await run.raw.messages.batches.results('batch_1')
    expect(metered.constructor).toBe(raw.constructor)
    expect(Object.keys(metered)).toEqual(Object.keys(raw))
    expect(shown(metered)).toBe(shown(raw))
    expect(await customIds(metered)).toEqual(await customIds(raw))
    const again = (lines: typeof raw) => customIds(lines).catch((error: unknown) => String(error))
    expect(await again(metered)).toEqual(await again(raw))
  })

  test('results at an address of another shape are billed once too', async () => {
    await using run = await startMetered(Anthropic)
    const address = `${run.server.url}/storage/results.jsonl`
    for (const signature of ['1', '2']) {
      run.server.serve({ id: 'batch_1', results_url: `${address}?signature=${signature}` })
      run.server.serve(Buffer.from(`${results}\n`), {
        path: '/results.jsonl',
        headers: { 'content-type': 'application/x-jsonl' },
      })
      await customIds(await run.metered.messages.batches.results('batch_1'))
    }
    expect(run.records).toHaveLength(6)
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(3)
  })

  test('the rest of batches is free', async () => {
    await using run = await startMetered(Anthropic, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const batch = { id: 'batch_1', processing_status: 'in_progress', results_url: null, data: [] }
    run.server.serve(batch, { times: 9 })
    const { batches } = run.metered.messages
    await batches.create({ requests: [{ custom_id: 'a', params: request }] })
    await batches.retrieve('batch_1')
    await batches.list()
    await batches.cancel('batch_1')
    await batches.delete('batch_1')
    await expect(batches.results('batch_1')).rejects.toThrow(/results_url/)
    expect(run.records).toEqual([])
  })
})
