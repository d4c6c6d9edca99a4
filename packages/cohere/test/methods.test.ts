import { documentedMethods } from '@token-meter/testkit/internal'
import type { WireContext } from '@token-meter/core/wire'
import { describe, expect, test } from 'vitest'
import { cohereWire } from '../src/wire.ts'
import { sdkMajors } from './metered.ts'
import { sdkMethods } from './sdk-methods.ts'

const rows = documentedMethods(import.meta.dirname)

const context = { jobs: () => ({}) } as unknown as WireContext

/** What the code does with a request. */
function kindOf(request: string | undefined): string {
  if (request === undefined) return 'broken'
  const [method = '', path = ''] = request.split(' ')
  const asked = { method, url: `https://api.cohere.com${path}`, headers: undefined, body: '{}' }
  const operation = cohereWire.open(asked, context)
  if (operation !== undefined) return 'unmetered' in operation ? 'not metered' : 'metered'
  return cohereWire.isFree?.(asked, undefined) === true ? 'free' : 'not known'
}

describe.each(sdkMajors)('the methods of cohere-ai $major', (sdk) => {
  test('are all in the table, with their requests, and treated as it says', async () => {
    const methods = await sdkMethods(sdk)
    expect(methods.length).toBeGreaterThan(80)
    for (const method of methods) {
      const row = rows.find(({ name }) => name === method.name)
      expect({ ...row, ...method }).toEqual(row)
      expect([method.name, kindOf(method.request)]).toEqual([method.name, row?.kind])
    }
  })
})

test('the table has no row of a method that does not exist', async () => {
  const all = (await Promise.all(sdkMajors.map((sdk) => sdkMethods(sdk)))).flat()
  const names = new Set(all.map(({ name }) => name))
  expect(rows.filter(({ name }) => !names.has(name))).toEqual([])
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
})

test.each([
  ['POST', 'https://proxy.example/cohere/v2/chat?debug=1', 'metered'],
  ['post', 'https://api.cohere.com/v2/chat/', 'metered'],
  ['POST', 'https://api.cohere.ai/compatibility/v1/chat/completions', 'not known'],
  ['POST', 'https://api.cohere.com/v3/chat', 'not known'],
  ['GET', 'https://api.cohere.com/v2/chat', 'free'],
])('%s %s is %s', (method, url, kind) => {
  const path = url.replace('https://api.cohere.com', '')
  const request = { method, url, headers: undefined, body: undefined }
  const operation = cohereWire.open(request, context)
  const isFree = cohereWire.isFree?.(request, undefined)
  expect([path, operation === undefined ? (isFree ? 'free' : 'not known') : 'metered']).toEqual([
    path,
    kind,
  ])
})
