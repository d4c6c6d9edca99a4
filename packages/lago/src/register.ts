/**
 * Makes this sink known to meters that configure themselves (`LAGO_API_KEY`), where they cannot look
 * it up: in a bundle that has no `node_modules` beside it. Import it once, for what it does:
 *
 *     import '@token-meter/lago/register'
 * @module
 */
import { registerPackage } from '@token-meter/core/adapter'
import { lagoSink } from './lago-sink.ts'

registerPackage('@token-meter/lago', { lagoSink })
