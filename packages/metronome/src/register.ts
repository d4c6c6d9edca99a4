/**
 * Makes this sink known to meters that configure themselves (`METRONOME_BEARER_TOKEN`), where they cannot look
 * it up: in a bundle that has no `node_modules` beside it. Import it once, for what it does:
 *
 *     import '@token-meter/metronome/register'
 * @module
 */
import { registerPackage } from '@token-meter/core/adapter'
import { metronomeSink } from './metronome-sink.ts'

registerPackage('@token-meter/metronome', { metronomeSink })
