import type { ClientOptions, Customer, Meter } from '@token-meter/core/adapter'
import { isOpenAISocket, type OpenAISocket } from './openai-socket.ts'

/** Options of one metered socket. */
export interface MeterRealtimeOptions extends ClientOptions {
  /**
   * Who records: a meter of `createMeter({ providers: [openaiProvider] })`.
   * @default the one that the environment configures
   */
  readonly meter?: Meter<OpenAISocket>
}

/** Meters a socket of the SDK and answers the same one. */
export type MeterRealtime = <Socket extends OpenAISocket>(
  rt: Socket,
  customer: Customer,
  options?: MeterRealtimeOptions,
) => Socket

/** `meterRealtime`, with the meter that records where the options name none. */
export function meterRealtimeWith(fallback: Meter<OpenAISocket>): MeterRealtime {
  return (rt, customer, { meter = fallback, ...options } = {}) => {
    if (typeof rt === 'object' && rt !== null && isOpenAISocket(rt)) {
      return meter(rt, customer, options)
    }
    throw new TypeError(
      'meterRealtime() expected a socket of the openai package: OpenAIRealtimeWS, ' +
        'OpenAIRealtimeWebSocket, ResponsesWS or LiveWS (not the WebSocket inside it, nor a ' +
        'client: for a client use meter()).',
    )
  }
}
