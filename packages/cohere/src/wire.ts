/**
 * Cohere's wire format, without the SDK or a meter: which request costs something and how its answer
 * says what it used. For gateways and wrappers of `fetch`.
 * @module
 */
export { cohereWire } from './wire/protocol.ts'
