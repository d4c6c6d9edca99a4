import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startLocalClaude } from './local-claude.ts'

/** Runs the example in an environment of its own; one that does not end is killed. */
function run(
  environment: Readonly<Record<string, string>>,
): Promise<{ exitCode: number | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    const options = { env: environment, timeout: 20_000, killSignal: 'SIGKILL' } as const
    const example = join(import.meta.dirname, 'anthropic.ts')
    const child = execFile(process.execPath, [example], options, (_, output, errors) =>
      resolve({ exitCode: child.exitCode, output, errors }),
    )
  })
}

test('without a key it ends by itself, with a record of each call', async () => {
  const { exitCode, output, errors } = await run({})
  expect(errors).toBe('')
  expect(exitCode).toBe(0)
  const model = 'anthropic/claude-sonnet-5-20260203'
  expect(output).toContain(`cus_ada pays ${model}: 12 in, 2000 cached, 0 written, 9 out (complete)`)
  expect(output).toContain(
    `cus_bob pays ${model}: 12 in, 2000 cached, 0 written, 13 out (complete)`,
  )
  expect(output).toMatch(
    /cus_ada pays .*: 12 in, 2000 cached, 0 written, [1-9]\d* out \(estimated\)/,
  )
  expect(output.match(/ pays /g)).toHaveLength(3)
})

test('with a key it asks the real API', async () => {
  await using server = await startLocalClaude()
  const { exitCode, output } = await run({
    ANTHROPIC_API_KEY: 'sk-test',
    ANTHROPIC_BASE_URL: server.url,
    ANTHROPIC_MODEL: 'claude-haiku-5',
  })
  expect(exitCode).toBe(0)
  expect(
    server.requests.map(({ headers }) => headers['authorization'] ?? headers['x-api-key']),
  ).toEqual(Array(3).fill(expect.stringContaining('sk-test')))
  expect(server.requests[0]?.body).toMatchObject({ model: 'claude-haiku-5' })
  expect(output.match(/ pays /g)).toHaveLength(3)
})
