import { fork } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'

/**
 * Bytes of the heap for one of each, about a fifth over what was measured on Node 26 without its
 * optimizing compilers. The first four are what metering adds to the raw client.
 */
const limits: Readonly<Record<string, number>> = {
  'meter(client)': 5_500,
  'plain call': 22_700,
  'plain call, outlived': 2_600,
  'streamed chunk': 380,
  'meter.record(), memory': 9_600,
  'append, memory': 2_200,
  'append, sqlite process': 2_650,
  'append, sqlite group': 2_650,
  'deliver, memory': 2_500,
  'deliver, sqlite': 3_700,
  'sum up': 4_700,
}

let measured: Readonly<Record<string, number>>

beforeAll(async () => {
  measured = await allocations()
})

test.each(Object.entries(limits))('%s takes at most %d bytes', (name, limit) => {
  expect(Math.round(measured[name] ?? Number.NaN)).toBeLessThanOrEqual(limit)
})

test('the bytes are counted', () => {
  expect(Object.keys(measured)).toEqual(Object.keys(limits))
  expect(Math.min(...Object.values(measured))).toBeGreaterThan(0)
})

function allocations(): Promise<Readonly<Record<string, number>>> {
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'allocation-process.ts')
    // What the optimizing compilers leave out depends on when they come to it.
    const steady = ['--single-threaded', '--no-opt', '--no-maglev']
    const child = fork(script, [], { execArgv: ['--expose-gc', ...steady] })
    child.once('message', (bytes) => resolve(bytes as Readonly<Record<string, number>>))
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)))
  })
}
