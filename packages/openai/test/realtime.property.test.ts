import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { CallObserver } from '@token-meter/core/adapter'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { responseCreated, responseDone, textDelta } from './realtime-events.ts'
import { ScriptedSocket } from './scripted-socket.ts'

const ids = ['resp_1', 'resp_2', 'resp_3']
const id = fc.constantFrom(...ids)
/** Not 0, which beside words counts as not known. */
const count = fc.integer({ min: 1, max: 1000 })
const step = fc.oneof(
  id.map((value) => ({ kind: 'event', id: value, event: responseCreated(value) })),
  id.map((value) => ({ kind: 'event', id: value, event: textDelta(value, 'some words') })),
  fc.tuple(id, count, fc.nat(1000), count).map(([value, input, cached, output]) => ({
    kind: 'done',
    id: value,
    total: input + cached + output,
    event: responseDone(value, {
      input_tokens: input + cached,
      output_tokens: output,
      input_token_details: { cached_tokens: cached },
    }),
  })),
  fc.constantFrom('close', 'reconnecting').map((kind) => ({ kind, id: '', event: undefined })),
)

const sum = ({ tokens }: UsageRecord) =>
  tokens.input + tokens.cachedInput + tokens.cachedWrite + tokens.output

it('yields at most one record a response, whose exact counts add up to what was said', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const records: UsageRecord[] = []
      await using meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
      meter.on('usage', (record) => void records.push(record))
      const socket = meter(new ScriptedSocket(), 'cus_1')

      const underWay = new Set<string>()
      const over = new Set<string>()
      let exact = 0
      let estimates = 0
      for (const { kind, event, ...rest } of steps) {
        socket.emit(event === undefined ? kind : 'event', event)
        if (kind === 'close' || kind === 'reconnecting') {
          estimates += underWay.size
          for (const lost of underWay) over.add(lost)
          underWay.clear()
        } else if (kind === 'done') {
          if (!over.has(rest.id)) exact += 'total' in rest ? rest.total : 0
          underWay.delete(rest.id)
          over.add(rest.id)
        } else if (event?.type === 'response.created' && !over.has(rest.id)) {
          underWay.add(rest.id)
        }
      }
      const complete = records.filter(({ outcome }) => outcome === 'complete')
      expect(records.length).toBeLessThanOrEqual(over.size)
      expect(records.length - complete.length).toBeLessThanOrEqual(estimates)
      expect(complete.reduce((total, record) => total + sum(record), 0)).toBe(exact)
    }),
  )
})

it('survives an observer that throws', () => {
  const socket = new ScriptedSocket()
  const faults: string[] = []
  const observer: CallObserver = {
    begin: () => {
      throw new Error('no')
    },
    fault: (what) => void faults.push(what),
  }
  openaiProvider.observe(socket, observer, {})
  socket.emit('event', responseDone('resp_1'))
  expect(faults).toEqual(['an event of a socket could not be observed'])
})
