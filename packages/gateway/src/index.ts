/**
 * A gateway: a base URL that passes LLM calls on byte for byte, and meters them.
 * @module
 */
export type { AccessEntry, RequestOutcome } from './access-entry.ts'
export type { Caller, CallerKeys, EnteredRequest } from './caller.ts'
export {
  createGateway,
  type Gateway,
  type GatewayCloseOptions,
  type GatewayStats,
} from './create-gateway.ts'
export type { OnClientGone } from './exchange/settings.ts'
export {
  type GatewayKeys,
  gatewayKeys,
  type GatewayKeysOptions,
  type KeyChanges,
} from './keys/gateway-keys.ts'
export type { KeyInfo, KeyOptions, KeyPage, KeyQuery, NewKey } from './keys/key.ts'
export { accessLog, type LineStream } from './operation/access-log.ts'
export type { ListeningGateway, ListenOptions } from './operation/listen.ts'
export type { GatewayOptions, TimeoutOptions } from './options.ts'
export type { ChargeBy } from './payer/payer.ts'
export { GatewayRefusal, type RefusalCode } from './refusal.ts'
export type { Dialect, Upstream, UpstreamAuth } from './upstream.ts'
export type { UpstreamOptions } from './upstream-options.ts'
export type { StripeHeadersStats, StripeMeterFailure } from './stripe-headers/header-counts.ts'
export {
  stripeHeaders,
  type StripeHeadersOptions,
  type StripeHeadersSink,
} from './stripe-headers/stripe-headers.ts'
