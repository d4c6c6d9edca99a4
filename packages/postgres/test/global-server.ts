import { rmSync } from 'node:fs'
import { startPostgres } from '@token-meter/testkit/internal'
import { childSpool } from './spawn-child.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Empty where there is no Postgres for this platform. */
    postgresUrl: string
  }
}

/** One server for all tests of the package; each file works in schemas of its own. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  try {
    const server = await startPostgres()
    project.provide('postgresUrl', server.url)
    return async () => {
      await server.stop()
      // What tests that were cut off have left in the default folder.
      for (const folder of [childSpool, '.token-meter/spool']) {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    console.warn(`The tests of @token-meter/postgres are skipped: no Postgres here (${reason})`)
    project.provide('postgresUrl', '')
  }
}
