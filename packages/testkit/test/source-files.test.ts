import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../..')

const files = readdirSync(packages)
  .flatMap((name) => {
    const source = join(packages, name, 'src')
    return readdirSync(source, { recursive: true, encoding: 'utf8' }).map((file) =>
      join(source, file),
    )
  })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))

test('no file is named after what it is not: each after the thing in it', () => {
  const refused = /^(utils?|helpers?|types?|interfaces?|common|misc|lib|shared)(\.|$)/
  expect(files.filter((file) => refused.test(basename(file)))).toEqual([])
})

test('no file is a giant, comments included', () => {
  const giants = files.filter((file) => readFileSync(file, 'utf8').split('\n').length - 1 > 400)
  expect(giants).toEqual([])
})
