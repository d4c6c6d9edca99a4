import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../src/bench.ts')

/** The cells of the table row that begins with a name. */
function row(table: string, name: string): string[] {
  const line = table.split('\n').find((each) => each.startsWith(`| ${name} `)) ?? ''
  return line.split('|').map((cell) => cell.trim())
}

test(
  'the benchmark measures the raw SDK and token-meter, which counts calls and streams',
  { timeout: 240_000 },
  async () => {
    const only = ['--only', 'raw', '--only', 'token-meter, no outbox', '--sdk', 'openai7']
    // That there is a figure for all is seen by one pair each.
    const { stdout } = await run(
      process.execPath,
      [script, '--quick', '--part', 'calls', ...only],
      {
        env: { ...process.env, BENCH_PAIRS: '1' },
      },
    )

    const control = row(stdout, 'raw (control)')
    const ours = row(stdout, 'token-meter, no outbox')
    expect(ours[2]).toBe('calls, streams')
    // Who observes nothing counts nothing: the check itself can fail.
    expect(control[2]).toBe('nothing')
    // Every column has a figure.
    expect(ours).toHaveLength(14)
    expect(ours.slice(3, 13).filter((cell) => !/^[+-]?[\d,.]+/.test(cell))).toEqual([])
    expect(stdout).not.toMatch(/failed|NaN/)
  },
)
