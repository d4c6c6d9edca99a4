import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { newFolder, run } from './command.ts'

/** Says on stderr which modules were loaded. */
const recorder = `
import { registerHooks } from 'node:module'
registerHooks({
  load(url, context, next) {
    process._rawDebug('loaded ' + url)
    return next(url, context)
  },
})
`

// What takes no time to start loads nothing that it does not need: each command's own when it is run.
test.each([
  [['--version']],
  [['--help']],
  [['gateway', '--help']],
  [['keys', 'generate', '--help']],
])('%j loads no package but the one that reads arguments', async (args) => {
  const file = join(newFolder(), 'recorder.mjs')
  writeFileSync(file, recorder)
  const NODE_OPTIONS = `--import ${pathToFileURL(file)}`
  const { code, stderr } = await run(args, { environment: { NODE_OPTIONS } })
  const loaded = [...stderr.matchAll(/^loaded (file:.*)$/gm)].map(([, url]) => url!)
  expect([code, loaded.some((url) => url.endsWith('/src/main.ts'))]).toEqual([0, true])
  const packages = loaded.filter(
    (url) => !url.includes('/packages/cli/') && !url.endsWith('/recorder.mjs'),
  )
  expect(packages.filter((url) => !url.includes('/citty/'))).toEqual([])
})
