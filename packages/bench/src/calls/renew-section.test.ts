import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { renewSection } from './renew-section.ts'

let folder: string
let file: URL

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-readme-'))
  file = pathToFileURL(join(folder, 'README.md'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a section is renewed, and what is around it stays', async () => {
  await writeFile(file, 'above\n<!-- calls:begin -->\nold\n<!-- calls:end -->\nbelow\n')

  await renewSection(file, 'calls', ['new'])
  await renewSection(file, 'calls', ['newer'])

  expect(await readFile(file, 'utf8')).toBe(
    'above\n<!-- calls:begin -->\n\nnewer\n\n<!-- calls:end -->\nbelow\n',
  )
})

test('a file without the markers is refused and left alone', async () => {
  await writeFile(file, 'above\n')

  await expect(renewSection(file, 'calls', ['new'])).rejects.toThrow('markers of "calls"')
  expect(await readFile(file, 'utf8')).toBe('above\n')
})
