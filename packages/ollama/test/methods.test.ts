import { documentedMethods } from '@token-meter/testkit/internal'
import type { WireContext } from '@token-meter/core/wire'
import { describe, expect, test } from 'vitest'
import { ollamaWire } from '../src/wire.ts'
import { sdkMinors } from './metered.ts'
import { sdkMethods } from './sdk-methods.ts'

const rows = documentedMethods(import.meta.dirname)

const context = {} as WireContext

/** What the code does with a request. */
function kindOf(request: string | undefined, body: unknown = '{"model":"m"}'): string {
  if (request === undefined) return 'free'
  const [method = '', path = ''] = request.split(' ')
  const url = path.startsWith('http') ? path : `http://localhost:11434${path}`
  const asked = { method, url, headers: undefined, body }
  const operation = ollamaWire.open(asked, context)
  if (operation !== undefined) return 'unmetered' in operation ? 'not metered' : 'metered'
  return ollamaWire.isFree?.(asked, undefined) === true ? 'free' : 'not known'
}

describe.each(sdkMinors)('the methods of ollama $minor', ({ Ollama }) => {
  test('are all in the table, with their requests, and treated as it says', async () => {
    const methods = await sdkMethods(Ollama)
    expect(methods.length).toBeGreaterThan(12)
    for (const method of methods) {
      const row = rows.find(({ name }) => name === method.name)
      expect({ ...row, ...method }).toEqual(row)
      expect([method.name, kindOf(method.request)]).toEqual([method.name, row?.kind])
    }
  })
})

test('the table has no row of a method that does not exist', async () => {
  const all = (await Promise.all(sdkMinors.map(({ Ollama }) => sdkMethods(Ollama)))).flat()
  const names = new Set(all.map(({ name }) => name))
  expect(rows.filter(({ name }) => !names.has(name))).toEqual([])
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
})

test.each([
  ['POST https://gpu.example/team/ollama/api/chat?x=1', undefined, 'metered'],
  ['post https://gpu.example/api/generate/', undefined, 'metered'],
  ['POST https://app.example/api/chat', '{"messages":[]}', 'not known'],
  ['POST https://app.example/api/chat/stream', undefined, 'not known'],
  ['POST http://localhost:11434/v1/chat/completions', undefined, 'not known'],
  ['POST http://localhost:11434/api/blobs/sha256:1', undefined, 'free'],
])('%s is %s', (request, body, kind) => {
  expect(kindOf(request, body)).toBe(kind)
})
