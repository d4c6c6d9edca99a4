import { describeOutbox } from '@token-meter/testkit/suites'
import { afterAll, beforeAll, describe } from 'vitest'
import pg from 'pg'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { postgresOutbox } from './postgres-outbox.ts'

describe.skipIf(databaseUrl === '')('postgresOutbox', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  let schema = ''
  describeOutbox('postgres', {
    open(now) {
      schema = newSchema()
      return postgresOutbox({ pool }, { spoolFolder: noFolder, schema, now })
    },
    reopen: (now) => postgresOutbox({ pool }, { spoolFolder: noFolder, schema, now }),
  })
})
