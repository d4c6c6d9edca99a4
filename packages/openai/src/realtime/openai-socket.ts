/**
 * A WebSocket of the `openai` package by its shape, of any SDK major from 4 to 7:
 * `OpenAIRealtimeWS`, `OpenAIRealtimeWebSocket`, `ResponsesWS`, `LiveWS` and their likes. A bare
 * WebSocket is none: its `url` is text, and it has no `event` event.
 */
export interface OpenAISocket {
  url: URL
  socket: object
  on(event: never, listener: never): unknown
  send(event: never): void
}

/** True for what has the shape of one of the SDK's sockets. */
export function isOpenAISocket(client: object): client is OpenAISocket {
  const { url, on, send } = client as Partial<OpenAISocket>
  return typeof on === 'function' && typeof send === 'function' && typeof url?.href === 'string'
}
