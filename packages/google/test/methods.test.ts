import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { interactionRouteOf, routeOf } from '../src/wire/routes.ts'
import { startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'
import { sdkMethods } from './sdk-methods.ts'

interface Row {
  readonly method: string
  readonly requests: readonly string[]
  readonly state: string
}

const rows: readonly Row[] = readFileSync(join(import.meta.dirname, '..', 'METHODS.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, method = '', requests = '', state = ''] = line.split('|').map((cell) => cell.trim())
    return {
      method: method.replaceAll('`', ''),
      requests: [...requests.matchAll(/`([^`]+)`/g)].map(([, request]) => String(request)),
      state,
    }
  })

describe.each(sdkMajors)('METHODS.md and genai $major', ({ major, GoogleGenAI }) => {
  test('every method of the SDK has a row', () => {
    const known = new Set(rows.map(({ method }) => method))
    const methods = sdkMethods(new GoogleGenAI({ apiKey: 'key' }))
    expect(methods.length).toBeGreaterThan(50)
    expect(methods.filter((method) => !known.has(method))).toEqual([])
  })

  test('a view of a client has the same methods', async () => {
    await using run = await startMetered(GoogleGenAI)
    expect(sdkMethods(run.metered)).toEqual(sdkMethods(run.raw))
  })

  test.runIf(major === 3)('no row is of a method that no SDK has', () => {
    const methods = new Set(
      sdkMajors.flatMap((sdk) => sdkMethods(new sdk.GoogleGenAI({ apiKey: 'key' }))),
    )
    const unknown = rows.filter(({ method }) => !methods.has(method.replace(/ \(.*/, '')))
    expect(unknown).toEqual([])
  })
})

test.each(rows.filter(({ requests }) => requests.length > 0))(
  '$method is $state, as its row says',
  ({ requests, state }) => {
    for (const request of requests) {
      const [verb = '', template = ''] = request.split(' ')
      const path = template.replaceAll('{model}', 'models/gemini').replaceAll(/\{\w+\}/g, 'some')
      const route = path.startsWith('/') ? interactionRouteOf(verb, path) : routeOf(verb, path)
      const found =
        route === undefined ? 'free' : route.kind === 'unmetered' ? 'not metered' : 'metered'
      expect(found, request).toBe(state)
    }
  },
)
