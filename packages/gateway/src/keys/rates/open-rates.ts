import { ConfigError } from '@token-meter/core/outbox'
import type { Outbox } from '@token-meter/core/outbox'
import { openTables } from '../../store/tables.ts'
import { processRates } from './process-rates.ts'
import { rateTables } from './rate-tables.ts'
import type { Rates } from './rates.ts'
import { SharedRates, type SharedRatesOptions } from './shared-rates.ts'

/** @throws ConfigError where rates are to be shared, and the outbox is not in Postgres. */
export function openRates(
  outbox: Outbox,
  { shared, ...options }: SharedRatesOptions & { readonly shared: boolean },
): Rates {
  if (!shared) return processRates(options.now ?? Date.now)
  const tables = outbox.store?.kind === 'postgres' ? openTables(outbox, rateTables) : undefined
  if (tables !== undefined) return new SharedRates(tables, options)
  throw new ConfigError(
    `gatewayKeys: rates are shared in Postgres, and the outbox is "${outbox.description}": pass postgresOutbox(connection), or leave out shared`,
  )
}
