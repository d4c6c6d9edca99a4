import type { Api } from '../calls/server/events.ts'

/** Where a request of each API goes. */
const addresses: Readonly<Record<Api, string>> = {
  openai: 'https://api.openai.com/v1/chat/completions',
  anthropic: 'https://api.anthropic.com/v1/messages',
  google:
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
}

/** A request of an API, which its `fetch` gets. */
export function request(api: Api, fields: object): Parameters<typeof fetch> {
  const body = JSON.stringify({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'Tell me a story.' }],
    contents: [{ role: 'user', parts: [{ text: 'Tell me a story.' }] }],
    ...fields,
  })
  const headers = { 'content-type': 'application/json', authorization: 'Bearer key' }
  return [addresses[api], { method: 'POST', body, headers }]
}

/** Answers with a whole body, without a network. */
export function wholeAnswer(body: string): typeof fetch {
  const headers = { 'content-type': 'application/json' }
  return () => Promise.resolve(new Response(body, { headers }))
}

/** Answers with a body that comes in pieces: as undici has it, a stream of bytes that are given away. */
export function pieceAnswer(pieces: readonly Uint8Array[], type: string): typeof fetch {
  const headers = { 'content-type': type }
  return () => {
    let index = 0
    const body = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        const piece = pieces[index++]
        if (piece === undefined) controller.close()
        else controller.enqueue(new Uint8Array(piece))
      },
    })
    return Promise.resolve(new Response(body, { headers }))
  }
}

/** The least that whatever stands between a body and its reader can do: it hands on what is pulled. */
export function pullThrough(send: typeof fetch): typeof fetch {
  return async (...args) => {
    const response = await send(...args)
    const { status, statusText, headers, body } = response
    const reader = body?.getReader()
    const passed = new ReadableStream(
      {
        type: 'bytes',
        async pull(controller) {
          const { done, value } = (await reader?.read()) ?? { done: true }
          if (done) controller.close()
          else controller.enqueue(value as Uint8Array<ArrayBuffer>)
        },
        cancel: (reason) => reader?.cancel(reason),
      },
      { highWaterMark: 0 },
    )
    return new Response(passed, { status, statusText, headers })
  }
}
