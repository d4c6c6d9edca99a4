import { afterEach, expect, test, vi } from 'vitest'
import { sqliteOutbox } from './sqlite-outbox.ts'

afterEach(() => vi.restoreAllMocks())

test('without node:sqlite the error names the Node version that has it', () => {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
  expect(() => sqliteOutbox('usage.db')).toThrow(
    expect.objectContaining({
      code: 'outbox',
      message: expect.stringMatching(/needs Node >= 22\.13.*this is v\d+.*memoryOutbox\(\)/),
    }),
  )
})

test('where there is no process at all, too', () => {
  const { process: node } = globalThis
  try {
    Reflect.deleteProperty(globalThis, 'process')
    expect(() => sqliteOutbox('usage.db')).toThrow(/needs Node >= 22\.13/)
  } finally {
    globalThis.process = node
  }
})
