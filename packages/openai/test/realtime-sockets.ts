import OpenAI7 from 'openai'
import { OpenAIRealtimeWebSocket as BetaWebSocket7 } from 'openai/beta/realtime/websocket'
import { OpenAIRealtimeWS as BetaWS7 } from 'openai/beta/realtime/ws'
import { OpenAIRealtimeWebSocket as WebSocket7 } from 'openai/realtime/websocket'
import { OpenAIRealtimeWS as WS7 } from 'openai/realtime/ws'
import OpenAI5 from 'openai5'
import { OpenAIRealtimeWebSocket as BetaWebSocket5 } from 'openai5/beta/realtime/websocket'
import { OpenAIRealtimeWS as BetaWS5 } from 'openai5/beta/realtime/ws'
import { OpenAIRealtimeWebSocket as WebSocket5 } from 'openai5/realtime/websocket'
import { OpenAIRealtimeWS as WS5 } from 'openai5/realtime/ws'
import OpenAI6 from 'openai6'
import { OpenAIRealtimeWebSocket as BetaWebSocket6 } from 'openai6/beta/realtime/websocket'
import { OpenAIRealtimeWS as BetaWS6 } from 'openai6/beta/realtime/ws'
import { OpenAIRealtimeWebSocket as WebSocket6 } from 'openai6/realtime/websocket'
import { OpenAIRealtimeWS as WS6 } from 'openai6/realtime/ws'
import type { SocketRun } from './realtime-server.ts'

/** All of them behave alike where the tests look, so they are written against the newest's types. */
export type RealtimeSocket = WS7

type RealtimeClass = new (properties: object, client: object) => RealtimeSocket
type ClientClass = new (options: object) => object

const classes = [
  ['5 beta ws', BetaWS5, OpenAI5],
  ['5 beta websocket', BetaWebSocket5, OpenAI5],
  ['5 ws', WS5, OpenAI5],
  ['5 websocket', WebSocket5, OpenAI5],
  ['6 beta ws', BetaWS6, OpenAI6],
  ['6 beta websocket', BetaWebSocket6, OpenAI6],
  ['6 ws', WS6, OpenAI6],
  ['6 websocket', WebSocket6, OpenAI6],
  ['7 beta ws', BetaWS7, OpenAI7],
  ['7 beta websocket', BetaWebSocket7, OpenAI7],
  ['7 ws', WS7, OpenAI7],
  ['7 websocket', WebSocket7, OpenAI7],
] as const

/** The realtime sockets of every major, by name. */
export const realtimeSockets = classes.map(([name, Socket, Client]) => ({
  name,
  open: (run: SocketRun, model = 'gpt-realtime') =>
    openSocket(Socket as unknown as RealtimeClass, Client as unknown as ClientClass, run, model),
}))

/** The newest, over `ws`. */
export function openRealtime(run: SocketRun, model?: string): RealtimeSocket {
  return openSocket(WS7 as unknown as RealtimeClass, OpenAI7, run, model)
}

function openSocket(
  Socket: RealtimeClass,
  Client: ClientClass,
  run: SocketRun,
  model = 'gpt-realtime',
): RealtimeSocket {
  const client = new Client({ apiKey: 'sk-test', baseURL: run.baseURL })
  const NodeWebSocket = globalThis.WebSocket
  // The SDK insists on TLS, which a server on loopback has not.
  class WithoutTls extends NodeWebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(String(url).replace('wss:', 'ws:'), protocols)
    }
  }
  globalThis.WebSocket = WithoutTls as typeof NodeWebSocket
  try {
    const options = run.withoutTls
    return new Socket({ model, dangerouslyAllowBrowser: true, options }, client)
  } finally {
    globalThis.WebSocket = NodeWebSocket
  }
}
