import { describe, expect, test } from 'vitest'
import type { ObjectRequest } from '../src/objects/owned-objects.ts'
import { anna, answered, ben, events, request, startObjects } from './object-requests.ts'
import { refused } from './refused.ts'
import { everyPlace, memoryPlace, sqlitePlace } from './stores.ts'

describe.each(Object.entries(everyPlace()))('what was made, kept on %s', (_, place) => {
  test('a file is its owner’s, in every process, and nobody else’s', async () => {
    const shared = place()
    const here = startObjects(shared)
    const there = startObjects(shared)
    await answered(here.objects, [request('POST', '/v1/files'), anna], {
      id: 'file-1',
      object: 'file',
    })
    for (const { objects } of [here, there]) {
      await objects.check(request('GET', '/v1/files/file-1'), anna)
      await objects.check(request('POST', '/v1/batches', { input_file_id: 'file-1' }), anna)
      const wrong = [
        request('GET', '/v1/files/file-1'),
        request('DELETE', '/v1/files/file-1'),
        request('POST', '/v1/batches', { input_file_id: 'file-1' }),
        request('POST', '/v1/responses', { input: [{ content: [{ file_id: 'file-1' }] }] }),
        request('GET', '/v1/x?file_id=file-1'),
      ]
      for (const asked of wrong) {
        const foreign = await refused(() => objects.check(asked, ben))
        const unknown = await refused(() =>
          objects.check(
            JSON.parse(JSON.stringify(asked).replaceAll('file-1', 'file-2'), (name, value) =>
              name === 'query'
                ? new URLSearchParams(asked.query.toString().replace('file-1', 'file-2'))
                : value,
            ) as ObjectRequest,
            ben,
          ),
        )
        expect(foreign).toMatchObject({ status: 404, code: 'not_found' })
        expect(unknown.message).toBe(foreign.message)
      }
    }
    // Ids of another upstream are others.
    const elsewhere = { ...request('GET', '/v1/files/file-1'), upstream: 'azure' }
    expect(await refused(() => here.objects.check(elsewhere, anna))).toMatchObject({ status: 404 })
    expect([...here.errors, ...there.errors]).toEqual([])
  })

  test('whose something is never changes, whoever is said to have made it later', async () => {
    const shared = place()
    const one = startObjects(shared).objects
    const other = startObjects(shared).objects
    await answered(one, [request('POST', '/v1/files'), anna], { id: 'file-1' })
    await answered(other, [request('POST', '/v1/files'), ben], { id: 'file-1' })
    await other.check(request('GET', '/v1/files/file-1'), anna)
    expect(await refused(() => other.check(request('GET', '/v1/files/file-1'), ben))).toMatchObject(
      {
        status: 404,
      },
    )
  })

  test('of a stream it is the owner’s from its first event on', async () => {
    const { objects } = startObjects(place())
    const watch = objects.watch(request('POST', '/v1/responses', { stream: true }), anna)
    const created = events({ type: 'response.created', response: { id: 'resp_1', output: [] } })
    for (const byte of new TextEncoder().encode(created)) watch?.push(Uint8Array.of(byte))
    await objects.check(request('POST', '/v1/responses', { previous_response_id: 'resp_1' }), anna)
    const item = { type: 'message', id: 'msg_1', content: [] }
    const code = { type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_1' }
    const rest = events(
      { type: 'response.output_item.added', item },
      { type: 'response.output_text.delta', item_id: 'msg_9', delta: '"id": "file-9"' },
      { type: 'response.output_item.added', item: code },
    )
    watch?.push(new TextEncoder().encode(rest))
    // The client has gone before its end.
    await watch?.ended()
    const input = [{ type: 'item_reference', id: 'msg_1' }]
    const mine = [
      request('GET', '/v1/responses/resp_1'),
      request('POST', '/v1/responses', { input }),
      request('GET', '/v1/containers/cntr_1/files/cfile_1/content'),
    ]
    for (const asked of mine) {
      await objects.check(asked, anna)
      expect(await refused(() => objects.check(asked, ben))).toMatchObject({ status: 404 })
    }
    expect(
      await refused(() => objects.check(request('GET', '/v1/files/file-9'), anna)),
    ).toMatchObject({
      status: 404,
    })
  })

  test('it is remembered for its time after its last use, and pruned then', async () => {
    let time = 1_790_000_000_000
    const day = 86_400_000
    const { objects } = startObjects(place(), { now: () => time })
    await answered(objects, [request('POST', '/v1/responses', {}), anna], { id: 'resp_1' })
    await answered(objects, [request('POST', '/v1/files'), anna], { id: 'file-1' })
    const response = request('GET', '/v1/responses/resp_1')
    time += 30 * day
    await objects.check(response, anna)
    time += 39 * day
    await objects.check(response, anna)
    time += 41 * day
    expect(await refused(() => objects.check(response, anna))).toMatchObject({ status: 404 })
    await objects.check(request('GET', '/v1/files/file-1'), anna)
    time += 401 * day
    expect(
      await refused(() => objects.check(request('GET', '/v1/files/file-1'), anna)),
    ).toMatchObject({
      status: 404,
    })
    // What is made now makes room for it: the id is free again, should a provider give it out.
    await answered(objects, [request('POST', '/v1/files'), ben], { id: 'file-2' })
    await answered(objects, [request('POST', '/v1/files'), ben], { id: 'file-1' })
    await objects.check(request('GET', '/v1/files/file-1'), ben)
  })

  test('many ids are asked for and written at once', async () => {
    const { objects } = startObjects(place())
    const ids = Array.from({ length: 130 }, (_, index) => `msg_${index}`)
    const output = ids.map((id) => ({ type: 'message', id }))
    await answered(
      objects,
      [request('POST', '/v1/responses', {}), anna],
      { id: 'resp_1', output },
      4096,
    )
    const input = ids.map((id) => ({ type: 'item_reference', id }))
    await objects.check(request('POST', '/v1/responses', { input }), anna)
    input.push({ type: 'item_reference', id: 'msg_x' })
    const wrong = request('POST', '/v1/responses', { input })
    expect((await refused(() => objects.check(wrong, anna))).message).toContain('"msg_..."')
  })
})

test('an answer that is broken off, no JSON, or too long breaks nothing', async () => {
  const { objects, errors } = startObjects(memoryPlace())
  const asked = request('POST', '/v1/responses', {})
  await answered(objects, [asked, anna], '{ "id": "resp_1", "output": [{"content": "')
  await objects.check(request('GET', '/v1/responses/resp_1'), anna)
  for (const answer of [
    '<html>',
    '[]',
    '',
    '\n\n',
    '{"id":5}',
    'data: {"type":"response.created"\n\n',
    'null',
  ]) {
    await answered(objects, [asked, anna], answer)
  }
  const long = JSON.stringify({ id: 'resp_2', output: [{ content: 'x'.repeat(33 * 1024 * 1024) }] })
  await answered(objects, [asked, anna], long, 1024 * 1024)
  await objects.check(request('GET', '/v1/responses/resp_2'), anna)
  expect(errors).toEqual([])
})

test('messages of a socket are seen one by one', async () => {
  const { objects } = startObjects(memoryPlace())
  const watch = objects.watch(request('POST', '/v1/responses', {}), anna)
  watch?.saw({ type: 'response.created', response: { id: 'resp_1' } })
  watch?.saw(undefined)
  watch?.saw('text')
  await watch?.ended()
  await objects.check(request('GET', '/v1/responses/resp_1'), anna)
})

test('what is shared is everybody’s, and a body is read where it can name something', async () => {
  const { objects } = startObjects(memoryPlace(), { shared: ['vs_1'] })
  await objects.check(
    request('POST', '/v1/responses', { tools: [{ vector_store_ids: ['vs_1'] }] }),
    ben,
  )
  expect(objects.needsBody(request('POST', '/v1/vector_stores/vs_1/files'))).toBe(true)
  expect(objects.needsBody(request('POST', '/v1/chat/completions'))).toBe(true)
  expect(objects.needsBody(request('GET', '/v1/files/file-1'))).toBe(false)
  expect(objects.needsBody(request('POST', '/v1/files'))).toBe(false)
  expect(objects.needsBody(request('POST', '/v1/uploads/upload_1/parts'))).toBe(false)
  expect(objects.needsBody(request('POST', '/upload/v1beta/files', undefined, 'gemini'))).toBe(
    false,
  )
  expect(objects.needsBody(request('POST', '/v1beta/files:register', undefined, 'gemini'))).toBe(
    true,
  )
  expect(objects.needsBody(request('POST', '/v1/something/new'))).toBe(false)
})

test('a store that is away: nobody is let at anything, and what was made is told of', async () => {
  const { objects, outbox, errors } = startObjects(sqlitePlace())
  await answered(objects, [request('POST', '/v1/files'), anna], { id: 'file-1' })
  await outbox.close()
  expect(
    await refused(() => objects.check(request('GET', '/v1/files/file-1'), anna)),
  ).toMatchObject({
    status: 503,
  })
  await answered(objects, [request('POST', '/v1/files'), anna], { id: 'file-2' })
  expect(errors).toHaveLength(1)
})
