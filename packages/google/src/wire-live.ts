/**
 * The reader of Live API sessions, without the SDK or a meter: for proxies that pass their messages on.
 * @module
 */
export { isOfTurn, live } from './wire/live.ts'
export { modelName } from './wire/routes.ts'
