import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CallObserver,
  observeBody,
  type ObservedCall,
  RequestContext,
} from '../src/adapter.ts'
import { createMeter, functionSink, memoryOutbox, type UsageRecord } from '../src/index.ts'
import {
  type AnswerPart,
  type Endpoint,
  jsonObject,
  noEstimate,
  type WireOperation,
} from '../src/wire.ts'

const part: Endpoint = {
  ...noEstimate,
  name: 'batches',
  read: (answer) => {
    const tokens = { cachedInput: 0, cachedWrite: 0, output: 0 }
    const { input } = jsonObject(answer)
    const reading = { model: 'm', details: {}, serviceTier: undefined, raw: answer, problems: [] }
    return [{ ...reading, tokens: { ...tokens, input: Number(input) } }]
  },
}

/** A meter whose calls are paid for by the field `payer` of their body. */
function start() {
  const records: UsageRecord[] = []
  const seen: { observer?: CallObserver } = {}
  const meter = createMeter({
    providers: [
      {
        name: 'parts',
        clientDescription: 'any object',
        recognises: (client): client is object => client !== null,
        observe: (client, observer) => {
          seen.observer = observer
          return client
        },
      },
    ],
    outbox: memoryOutbox(),
    sinks: [functionSink('seen', async (batch) => void records.push(...batch))],
  })
  meter({}, ({ body }) => body.payer)
  const protocol = { name: 'parts', open: () => undefined }
  const target = { baseUrl: undefined, provider: 'parts' }
  const context = new RequestContext(protocol, seen.observer!, target)
  return {
    begin: (operation: WireOperation<ObservedCall>) => context.begin(operation, 'GET'),
    paid: async () => {
      await meter.close()
      return records.map(({ customer, tokens }) => [customer, tokens.input]).toSorted()
    },
  }
}

test('each part is paid by its creator, else by whom it names, else by who asked', async () => {
  const { begin, paid } = start()
  const creator = begin({ endpoint: part, body: { payer: 'cus_creator' } })
  creator.dismiss()
  const of = (): readonly AnswerPart<ObservedCall>[] => [
    { endpoint: part, answer: { input: 1 }, creator, body: { payer: 'cus_named' } },
    { endpoint: part, answer: { input: 2 }, body: { payer: 'cus_named' } },
    { endpoint: part, answer: { input: 3 }, body: {} },
    { endpoint: part, answer: { input: 4 } },
  ]
  let ends = 0
  const body = { payer: 'cus_asking' }
  const parts = { of, ended: () => void ends++ }
  const whole = begin({ endpoint: part, body, free: true, parts })
  whole.respond({ input: 1000 })
  whole.respond({ input: 1000 })
  expect(ends).toBe(1)
  expect(await paid()).toEqual([
    ['cus_asking', 3],
    ['cus_asking', 4],
    ['cus_creator', 1],
    ['cus_named', 2],
  ])
})

test('an answer that tells of other calls is nothing itself, also where it never comes', async () => {
  const { begin, paid } = start()
  const parts = { of: () => [] }
  const operation = { endpoint: part, body: { payer: 'cus_1' }, parts }
  begin(operation).abandon()
  const cut = observeBody(begin(operation), 'application/json')
  cut.push(new TextEncoder().encode('{"inp'))
  cut.interrupt()
  expect(await paid()).toEqual([])
})

const bytes = new TextEncoder().encode(
  '{"input":1,"of":"ä😀"}\n\nno json\n{"input":2}\r\n{"half\n{"input":3}',
)

test('however lines are cut into pieces, each is a call of its own, with its number', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 30 }), async (cuts) => {
      const { begin, paid } = start()
      const lines: [unknown, number][] = []
      let ends = 0
      const body = { payer: 'cus_1' }
      const parts = {
        of: (answer: unknown, index: number) => {
          lines.push([answer, index])
          return [{ endpoint: part, answer }]
        },
        ended: () => void ends++,
      }
      const call = begin({ endpoint: { ...part, content: 'lines' }, body, free: true, parts })
      const observer = observeBody(call, 'application/x-ndjson')
      const places = [...new Set([0, ...cuts, bytes.length])].toSorted((one, other) => one - other)
      for (const [index, place] of places.entries()) {
        const piece = bytes.subarray(places[index - 1] ?? 0, place)
        expect(observer.push(piece)).toBe(piece)
      }
      observer.finish()
      expect(lines.map(([answer, index]) => [jsonObject(answer).input, index])).toEqual([
        [1, 0],
        [2, 3],
        [3, 5],
      ])
      expect(ends).toBe(1)
      expect(await paid()).toEqual([1, 2, 3].map((input) => ['cus_1', input]))
    }),
    { numRuns: 30 },
  )
})
