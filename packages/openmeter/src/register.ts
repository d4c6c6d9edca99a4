/**
 * Makes this sink known to meters that configure themselves (`OPENMETER_URL`), where they cannot look
 * it up: in a bundle that has no `node_modules` beside it. Import it once, for what it does:
 *
 *     import '@token-meter/openmeter/register'
 * @module
 */
import { registerPackage } from '@token-meter/core/adapter'
import { openMeterSink } from './open-meter-sink.ts'

registerPackage('@token-meter/openmeter', { openMeterSink })
