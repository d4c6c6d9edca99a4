/**
 * A gateway: a base URL that passes LLM calls on byte for byte, and meters them.
 * @module
 */
export type { Caller, CallerKeys, EnteredRequest } from './caller.ts'
export { GatewayRefusal, type RefusalCode } from './refusal.ts'
export type { Dialect, Upstream, UpstreamAuth } from './upstream.ts'
