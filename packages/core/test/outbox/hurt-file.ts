import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

const pageSize = 4096

/** Overwrites every page of a file but those that say which tables there are. @returns what it has now. */
export function hurtTables(file: string): Buffer {
  const database = new DatabaseSync(file)
  const pages = database.prepare(`SELECT pageno FROM dbstat WHERE name <> 'sqlite_schema'`).all()
  database.close()
  const content = readFileSync(file)
  for (const { pageno } of pages) {
    content.fill(0xff, (Number(pageno) - 1) * pageSize, Number(pageno) * pageSize)
  }
  writeFileSync(file, content)
  return content
}
