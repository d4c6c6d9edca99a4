/**
 * Makes this outbox known to meters that configure themselves (`TOKEN_METER_OUTBOX=postgres://...`), where they cannot look
 * it up: in a bundle that has no `node_modules` beside it. Import it once, for what it does:
 *
 *     import '@token-meter/postgres/register'
 * @module
 */
import { registerPackage } from '@token-meter/core/adapter'
import { postgresOutbox } from './postgres-outbox.ts'

registerPackage('@token-meter/postgres', { postgresOutbox })
