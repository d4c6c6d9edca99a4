import { expect, test } from 'vitest'
import { observeDownload } from './observe-response.ts'

const bytes = new TextEncoder().encode('{"key":"ä\u{1F600}"}\n{half')

function observer(seen: number[], ends: string[] = []) {
  return {
    rewrites: false,
    isOver: false,
    push: (piece: Uint8Array) => {
      seen.push(...piece)
      return piece
    },
    finish: () => {
      ends.push('finished')
      return new Uint8Array(0)
    },
    interrupt: () => void ends.push('interrupted'),
  }
}

test('a download is seen and passes, and its end waits for what is stored', async () => {
  const responseInternal = new Response(bytes)
  const response = { json: async () => undefined, responseInternal }
  const [seen, ends]: [number[], string[]] = [[], []]
  let isStored = false
  observeDownload(response, observer(seen, ends), async () => {
    isStored = true
  })
  const passed: number[] = []
  for await (const piece of responseInternal.body ?? []) passed.push(...piece)
  expect(new Uint8Array(passed)).toEqual(bytes)
  expect(seen).toEqual(passed)
  expect(ends).toEqual(['finished'])
  expect(isStored).toBe(true)
})

test('a response without a body is let be', () => {
  const response = { json: async () => undefined }
  observeDownload(response, observer([]), () => undefined)
  expect(Object.keys(response)).toEqual(['json'])
})
