/**
 * Meters the clients of the `openai` package: `meter(new OpenAI(), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { OpenAIClient } from './sdk/openai-client.ts'
import { openaiProvider } from './sdk/openai-provider.ts'
import { type MeterRealtime, type OpenAISocket, meterRealtimeWith } from './sdk/realtime-socket.ts'
import { type MeterWebSocket, meterWebSocketWith } from './sdk/web-socket.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer or what is no OpenAI client;
 * ConfigError for an option that there is not.
 */
export const meter: Meter<OpenAIClient | OpenAISocket> = zeroConfigMeter(openaiProvider)

/**
 * The same socket, metered from here on: every response of a realtime, Live or Responses
 * connection becomes usage of the customer, and so does what its session transcribes or delegates.
 * A function that names the customer is asked for each response (`call.body` has its `metadata`);
 * of `withCustomer()` the one around this line counts. `onMissingCustomer: 'throw'` cannot refuse
 * what is already running: its usage is kept unattributed, and reported.
 *
 * @throws TypeError for an empty customer or what is no socket of the SDK; ConfigError for an option that there
 * is not.
 */
export const meterRealtime: MeterRealtime = meterRealtimeWith(meter)

/**
 * A class of WebSockets whose connections to OpenAI's sockets (realtime, Live, Responses) are metered as
 * `meterRealtime` does it: for tools that open their sockets themselves, by a class that they are
 * given or by the global one. Connections to anywhere else are left alone.
 *
 * ```ts
 * globalThis.WebSocket = meterWebSocket(() => undefined) // whoever withCustomer() names
 * ```
 *
 * A connection may be shared by several customers: of `withCustomer()` the one around what was sent counts.
 *
 * @throws TypeError for an empty customer, or where there is no class of WebSockets; ConfigError for an option
 * that there is not.
 */
export const meterWebSocket: MeterWebSocket = meterWebSocketWith(meter)

export { openaiProvider }
export type { OpenAIClient, OpenAISocket }
export type { MeterRealtime, MeterRealtimeOptions } from './sdk/realtime-socket.ts'
export type { MeterWebSocket, MeterWebSocketOptions, WebSocketClass } from './sdk/web-socket.ts'
export * from '@token-meter/core'
