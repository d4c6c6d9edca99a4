import { afterEach, expect, test, vi } from 'vitest'
import { ConfigError, createMeter, memoryOutbox } from '../src/index.ts'

afterEach(() => vi.unstubAllGlobals())

const make = () => createMeter({ providers: [], outbox: memoryOutbox() })

test('a meter in a browser is refused, with what to do', () => {
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('document', {})
  // What bundlers bring along.
  vi.stubGlobal('process', { env: {} })
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(/meter the call on your server/)
})

test('in tests that look like a page (jsdom), it runs', async () => {
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('document', {})
  await make().close()
})
