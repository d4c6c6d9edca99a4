/**
 * Ollama's wire format, without the SDK or a meter: which request asks a model and how its answer says
 * what it used. For gateways and wrappers of `fetch`.
 * @module
 */
export { ollamaWire } from './wire/protocol.ts'
