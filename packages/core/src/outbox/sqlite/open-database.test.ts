import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { OutboxError } from '../../errors/errors.ts'
import { schemaVersion } from './schema.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'
import { makeFile } from '../../../test/outbox/make-file.ts'
import { hurtTables } from '../../../test/outbox/hurt-file.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'

function failureOf(path: string): OutboxError {
  try {
    sqliteOutbox(path).close()
  } catch (error) {
    if (error instanceof OutboxError) return error
    throw error
  }
  throw new Error(`${path} could be opened`)
}

test('a file that is no database is named, and left as it is', () => {
  const file = join(temporaryFolder(), 'usage.db')
  const content = 'these are my notes, and not a database. '.repeat(40)
  writeFileSync(file, content)
  const error = failureOf(file)
  expect(error.message).toContain(file)
  expect(error.message).toMatch(/not a SQLite database.*file is not a database.*move it aside/)
  expect(error.cause).toBeInstanceOf(Error)
  expect(readFileSync(file, 'utf8')).toBe(content)
})

test('a damaged database is named, and left as it is', () => {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  for (let count = 0; count < 100; count++) outbox.append([exampleRecord()])
  outbox.close()
  const content = readFileSync(file)
  content.fill(0xff, 100, 4096)
  writeFileSync(file, content)
  expect(failureOf(file).message).toMatch(/damaged.*move it aside/)
  expect(readFileSync(file).equals(content)).toBe(true)
})

test('a damage that shows only later is explained by the append that meets it', () => {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  for (let count = 0; count < 200; count++) outbox.append([exampleRecord()])
  outbox.close()
  hurtTables(file)
  const records = [exampleRecord()]
  const message = expect.stringMatching(/Cannot keep usage in .*damaged.*move it aside/)
  const again = sqliteOutbox(file)
  expect(() => again.append(records)).toThrow(expect.objectContaining({ message, records }))
  again.close()
})

test('a folder is not a file', () => {
  const folder = temporaryFolder()
  const error = failureOf(folder)
  expect(error.message).toContain(folder)
  expect(error.message).toMatch(/no file can be opened there.*Choose a path to a file/)
})

test('a path through a file, or to where no folder can be made, is explained', () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  for (const path of [join(file, 'usage.db'), join(file, 'deeper', 'usage.db')]) {
    expect(failureOf(path)).toMatchObject({
      code: 'outbox',
      message: expect.stringMatching(/no file can be opened there.*Choose a path/),
      cause: { code: expect.stringMatching(/ENOTDIR|EEXIST/) },
    })
  }
})

test.each(['', ':memory:'])('"%s" is not a file, and memoryOutbox is named', (path) => {
  expect(failureOf(path).message).toMatch(/must be a file.*memoryOutbox\(\)/)
  expect(existsSync(path || 'no such file')).toBe(false)
})

test('a file of a newer version is refused, and left as it is', () => {
  const file = join(temporaryFolder(), 'usage.db')
  makeFile(file)
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
  database.close()
  const content = readFileSync(file)
  const error = failureOf(file)
  expect(error.message).toContain(file)
  expect(error.message).toMatch(
    new RegExp(
      `newer token-meter made it \\(schema ${schemaVersion + 1}, .*Update @token-meter/core`,
    ),
  )
  expect(readFileSync(file).equals(content)).toBe(true)
})

test('the database of another program is refused, and gets no tables', () => {
  const file = join(temporaryFolder(), 'app.db')
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE users (name TEXT)')
  expect(failureOf(file).message).toMatch(/another program.*choose a path of its own/)
  expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'users' }])
  database.close()
})

const child = fileURLToPath(new URL('../../../test/outbox/outbox-child.ts', import.meta.url))

/** Root may write anywhere, so a child that is nobody tries. */
function failureForNobody(path: string): string {
  const identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const { stdout } = spawnSync(process.execPath, [child, 'append-one', path], {
    ...identity,
    encoding: 'utf8',
  })
  return stdout
}

test.skipIf(process.platform === 'win32')('a folder without write access is explained', () => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'locked'), { mode: 0o555 })
  const file = join(folder, 'locked', 'usage.db')
  expect(failureForNobody(file)).toMatch(/OutboxError: Cannot open .*it cannot be written.*EACCES/)
  const deeper = join(folder, 'locked', 'deeper', 'usage.db')
  expect(failureForNobody(deeper)).toMatch(/OutboxError: Cannot open .*it cannot be written/)
})

test.skipIf(process.platform === 'win32')('a file without write access is explained', () => {
  const folder = temporaryFolder()
  const file = join(folder, 'usage.db')
  makeFile(file)
  chmodSync(file, 0o444)
  chmodSync(folder, 0o777)
  expect(failureForNobody(file)).toMatch(/OutboxError: Cannot .*it cannot be written/)
})
