/** Recorded answers as the bytes of an upstream, and the requests for them. */
import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import type { UsageRecord } from '@token-meter/core'
import type { Recording } from '@token-meter/testkit/internal'

/** What a client of the provider sends, by the gateway's routes. It asks for the usage of its streams itself. */
export function recordedRequest({ endpoint, stream }: Recording): { path: string; body: string } {
  const messages = [{ role: 'user', content: 'hi' }]
  const asked = { model: 'asked', stream }
  const options = stream ? { stream_options: { include_usage: true } } : {}
  const requests: Readonly<Record<string, readonly [path: string, body: object]>> = {
    chat: ['/openai/v1/chat/completions', { ...asked, ...options, messages }],
    completions: ['/openai/v1/completions', { ...asked, ...options, prompt: 'hi' }],
    responses: ['/openai/v1/responses', { ...asked, input: 'hi' }],
    embeddings: ['/openai/v1/embeddings', { ...asked, input: 'hi' }],
    messages: ['/anthropic/v1/messages?beta=true', { ...asked, max_tokens: 9, messages }],
    interactions: ['/gemini/v1beta/interactions', { ...asked, input: 'hi' }],
    generateContent: [
      `/gemini/v1beta/models/asked:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
      { contents: [{ parts: [{ text: 'hi' }] }] },
    ],
  }
  const [path, body] = requests[endpoint] as readonly [string, object]
  return { path, body: JSON.stringify(body) }
}

export interface RecordedAnswer {
  readonly type: string
  /** The events of a stream, or a whole body as one. */
  readonly events: readonly Buffer[]
}

/** @param id by which it is an answer of its own: an interaction is billed once in a process, by its id. */
export function recordedAnswer(
  { file, stream, provider, endpoint }: Recording,
  id: string,
): RecordedAnswer {
  const text = readFileSync(file, 'utf8').replaceAll('"v1_', `"v1_${id}_`)
  if (!stream) return { type: 'application/json', events: [Buffer.from(text)] }
  const isNamed = provider === 'anthropic' || endpoint === 'responses'
  const events = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const { type = '' } = JSON.parse(line) as { type?: string }
      return Buffer.from(`${isNamed ? `event: ${type}\n` : ''}data: ${line}\n\n`)
    })
  const end = ['chat', 'completions'].includes(endpoint) ? [Buffer.from('data: [DONE]\n\n')] : []
  return { type: 'text/event-stream; charset=utf-8', events: [...events, ...end] }
}

export const encodings = ['identity', 'gzip', 'br', 'zstd', 'deflate'] as const
export type Encoding = (typeof encodings)[number]

/** As a server encodes a body. */
export function encoded(bytes: Buffer, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'identity':
      return bytes
    case 'gzip':
      return zlib.gzipSync(bytes)
    case 'br':
      return zlib.brotliCompressSync(bytes, {
        params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 },
      })
    case 'zstd':
      return zlib.zstdCompressSync(bytes)
    case 'deflate':
      return zlib.deflateSync(bytes)
  }
}

/** As a server encodes a stream, each event so that it can be read at once. */
export async function encodedEvents(
  events: readonly Buffer[],
  encoding: Encoding,
): Promise<readonly Buffer[]> {
  if (encoding === 'identity') return events
  const stream = {
    gzip: () => zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH }),
    deflate: () => zlib.createDeflate({ flush: zlib.constants.Z_SYNC_FLUSH }),
    br: () => zlib.createBrotliCompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH }),
    zstd: () => zlib.createZstdCompress({ flush: zlib.constants.ZSTD_e_flush }),
  }[encoding]()
  const pieces: Buffer[] = []
  let piece: Buffer[] = []
  stream.on('data', (bytes: Buffer) => piece.push(bytes))
  for (const event of events) {
    await new Promise<void>((resolve) => stream.write(event, () => resolve()))
    pieces.push(Buffer.concat(piece))
    piece = []
  }
  await new Promise<void>((resolve) => stream.once('end', resolve).end())
  return [...pieces, Buffer.concat(piece)].filter(({ length }) => length > 0)
}

/** A row of zeros needs no record. */
export function billedRows({ expected }: Recording): readonly object[] {
  return expected.filter((row) => row.input + row.cached_input + row.cached_write + row.output > 0)
}

export function asExpected({ model, tokens }: UsageRecord): object {
  const { input, cachedInput, cachedWrite, output } = tokens
  return { model, input, cached_input: cachedInput, cached_write: cachedWrite, output }
}
