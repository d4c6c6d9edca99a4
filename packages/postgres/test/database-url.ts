import { inject } from 'vitest'

/** The server of the test run; empty where there is none and tests are to be skipped. */
export const databaseUrl = inject('postgresUrl')

let schemas = 0

/** The name of a schema that nobody used before. */
export function newSchema(): string {
  return `meter_${process.pid}_${Date.now()}_${++schemas}`
}
