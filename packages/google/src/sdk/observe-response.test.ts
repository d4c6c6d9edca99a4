import fc from 'fast-check'
import { expect, test } from 'vitest'
import { observeLines } from './observe-response.ts'

const rows = [{ key: 'a', text: 'ä\u{1F600}' }, { key: 'b' }, { key: 'c', nested: { n: 1 } }]
const bytes = new TextEncoder().encode(
  `${JSON.stringify(rows[0])}\n${JSON.stringify(rows[1])}\r\nnot json\n{half\n${JSON.stringify(rows[2])}`,
)

test('however a download is cut into pieces, its lines are seen once and its bytes pass', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 30 }), async (cuts) => {
      const places = [...new Set([0, ...cuts, bytes.length])].toSorted((one, other) => one - other)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const [index, place] of places.entries()) {
            if (index > 0) controller.enqueue(bytes.slice(places[index - 1], place))
          }
          controller.close()
        },
      })
      const responseInternal = new Response(body)
      const seen: unknown[] = []
      let isStored = false
      const response = observeLines(
        { json: async () => undefined, responseInternal },
        {
          line: (json, index) => void seen.push([index, json]),
          stored: async () => {
            isStored = true
          },
        },
      )
      const passed: number[] = []
      for await (const piece of response.responseInternal?.body ?? []) passed.push(...piece)
      expect(new Uint8Array(passed)).toEqual(bytes)
      expect(seen).toEqual([
        [0, rows[0]],
        [1, rows[1]],
        [4, rows[2]],
      ])
      expect(isStored).toBe(true)
    }),
  )
})

test('a response without a body is let be', () => {
  const response = { json: async () => undefined }
  expect(observeLines(response, { line: () => {}, stored: () => undefined })).toBe(response)
})
