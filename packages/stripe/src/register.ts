/**
 * Makes this sink known to meters that configure themselves (`STRIPE_RESTRICTED_KEY`), where they cannot look
 * it up: in a bundle that has no `node_modules` beside it. Import it once, for what it does:
 *
 *     import '@token-meter/stripe/register'
 * @module
 */
import { registerPackage } from '@token-meter/core/adapter'
import { stripeSink } from './stripe-sink.ts'

registerPackage('@token-meter/stripe', { stripeSink })
