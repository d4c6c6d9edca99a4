import { join } from 'node:path'
import { inject } from 'vitest'

/** The server of the test run; empty where there is none and tests are to be skipped. */
export const databaseUrl = inject('postgresUrl')

let schemas = 0

/** The name of a schema that nobody used before. */
export function newSchema(): string {
  return `meter_${process.pid}_${Date.now()}_${++schemas}`
}

/** A spool folder that cannot be: what the database itself says is the answer, however late. */
export const noFolder = join(process.execPath, 'no-folder')
