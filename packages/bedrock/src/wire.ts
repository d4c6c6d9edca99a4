/**
 * The wire format of Amazon Bedrock's runtime, without the SDK or a meter: which request costs
 * something and how its answer says what it used. For gateways and wrappers of `fetch`.
 * @module
 */
export { bedrockWire } from './wire/protocol.ts'
