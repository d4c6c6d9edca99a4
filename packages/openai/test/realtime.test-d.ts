// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import OpenAI from 'openai'
import type { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import type { SidebandWS } from 'openai/resources/live/sideband/ws'
import { LiveWS } from 'openai/resources/live/ws'
import { ResponsesWS } from 'openai/resources/responses/ws'
import type { OpenAIRealtimeWS as WS5 } from 'openai5/realtime/ws'
import type { ResponsesWS as ResponsesWS6 } from 'openai6/resources/responses/ws'
import { expectTypeOf } from 'vitest'
import { WebSocket } from 'ws'
import { createMeter, meter, meterRealtime, meterWebSocket, openaiProvider } from '../src/index.ts'

const client = new OpenAI()
const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime' })
expectTypeOf(meterRealtime(rt, 'cus_1')).toEqualTypeOf<OpenAIRealtimeWS>()
expectTypeOf(meter(rt, 'cus_1')).toEqualTypeOf<OpenAIRealtimeWS>()

declare const browser: OpenAIRealtimeWebSocket
expectTypeOf(meterRealtime(browser, 'cus_1')).toEqualTypeOf<OpenAIRealtimeWebSocket>()
declare const older: [WS5, ResponsesWS6]
expectTypeOf(meterRealtime(older[0], 'cus_1')).toEqualTypeOf<WS5>()
expectTypeOf(meterRealtime(older[1], 'cus_1')).toEqualTypeOf<ResponsesWS6>()
expectTypeOf(meterRealtime(new ResponsesWS(client), 'cus_1')).toEqualTypeOf<ResponsesWS>()
expectTypeOf(meterRealtime(new LiveWS(client), () => undefined)).toEqualTypeOf<LiveWS>()
declare const sideband: SidebandWS
expectTypeOf(meterRealtime(sideband, 'cus_1')).toEqualTypeOf<SidebandWS>()

const own = createMeter({ providers: [openaiProvider] })
expectTypeOf(own(rt, 'cus_1')).toEqualTypeOf<OpenAIRealtimeWS>()
expectTypeOf(
  meterRealtime(rt, (call) => call.body.metadata?.customer, {
    meter: own,
    attributes: { feature: 'voice' },
  }),
).toEqualTypeOf<OpenAIRealtimeWS>()

expectTypeOf(meterWebSocket('cus_1')).toEqualTypeOf<typeof globalThis.WebSocket>()
expectTypeOf(meterWebSocket('cus_1', { webSocket: WebSocket, meter: own })).toEqualTypeOf<
  typeof WebSocket
>()
globalThis.WebSocket = meterWebSocket(() => undefined)

// @ts-expect-error a client is no socket
meterRealtime(client, 'cus_1')
// @ts-expect-error the WebSocket inside is none either
meterRealtime(new WebSocket('wss://api.openai.com'), 'cus_1')
// @ts-expect-error no customer
meterRealtime(rt)
// @ts-expect-error an unknown option
meterRealtime(rt, 'cus_1', { customer: 'x' })
