import { ConfigError } from '@token-meter/core'
import { expect, test } from 'vitest'
import { postgresOutbox } from './postgres-outbox.ts'

test('the URL of a variable that is not set is an error that says what is needed', () => {
  const connectionString: string | undefined = process.env['TOKEN_METER_TEST_NO_SUCH_VARIABLE']
  const make = () => postgresOutbox({ connectionString })
  expect(make).toThrow(ConfigError)
  expect(make).toThrow('needs either a connectionString')
})
