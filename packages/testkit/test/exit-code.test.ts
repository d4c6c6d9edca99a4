import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const repository = fileURLToPath(new URL('../../..', import.meta.url))

/** Runs one test as the command of the README does, and returns the exit code. */
async function exitCodeOf(project: string, body: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-exit-code-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'one.test.js'), `test('one', () => { ${body} })`)
  // The project itself, with all that it starts before its tests; only they are other ones.
  writeFileSync(
    join(folder, 'vitest.config.mjs'),
    `import workspace from ${JSON.stringify(pathToFileURL(join(repository, 'vitest.workspace.ts')))}
     const { projects, ...test } = workspace.test
     const { root, globalSetup, ...project } = projects.map(({ test }) => test).find(({ name }) => name === '${project}')
     const setup = [globalSetup ?? []].flat().map((path) => ${JSON.stringify(repository)} + '/' + root + '/' + path)
     project.root = ${JSON.stringify(folder)}
     project.include = ['one.test.js']
     project.globals = true
     export default { test: { ...test, reporters: ['default'], projects: [{ test: { ...project, globalSetup: setup } }] } }`,
  )
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  const run = spawn(process.execPath, [vitest, 'run', '--config', 'vitest.config.mjs'], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, TOKEN_METER_TEST_SUMMARY: undefined },
  })
  const [code] = (await once(run, 'exit')) as [number]
  return code
}

test.each(['postgres', 'core'])('a test that fails, fails the command (%s)', async (project) => {
  expect(await exitCodeOf(project, 'throw new Error()')).toBe(1)
})

test('a test that passes does not', async () => {
  expect(await exitCodeOf('postgres', '')).toBe(0)
})
