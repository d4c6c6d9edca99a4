import { execFile } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { framedMeter } from './framed.ts'

const megabyte = 2 ** 20
const usage = { input: 5, output: 3 }
const text = { text: 'word '.repeat(40) }
const codec = new EventStreamCodec(String, (each) => Buffer.from(each))

function frame(type: string, payload: object): Uint8Array {
  const headers = { ':event-type': { type: 'string' as const, value: type } }
  return codec.encode({ headers, body: Buffer.from(JSON.stringify(payload)) })
}

interface Large {
  readonly type: string
  readonly first?: string | Uint8Array
  /** Sent again and again. */
  readonly piece: string | Uint8Array
  readonly last: string | Uint8Array
}

const kinds: Readonly<Record<string, Large>> = {
  sse: {
    type: 'text/event-stream',
    piece: `data: ${JSON.stringify(text)}\n\n`.repeat(100),
    last: `data: ${JSON.stringify({ usage })}\n\ndata: [DONE]\n\n`,
  },
  lines: {
    type: 'application/x-ndjson',
    piece: `${JSON.stringify(text)}\n`.repeat(100),
    last: JSON.stringify({ usage }),
  },
  array: {
    type: 'application/json',
    first: '[',
    piece: `${JSON.stringify(text)},\n`.repeat(100),
    last: `${JSON.stringify({ usage })}]`,
  },
  frames: {
    type: 'application/vnd.amazon.eventstream',
    piece: Buffer.concat(Array.from({ length: 100 }, () => frame('delta', text))),
    last: frame('usage', usage),
  },
  vectors: {
    type: 'application/json',
    first: '{"data":[{"embedding":[0',
    piece: `${',-0.012345678'.repeat(1000)}],"index":0},{"embedding":[0`,
    last: `]}],"usage":${JSON.stringify(usage)}}`,
  },
  images: {
    type: 'application/json',
    first: '{"data":[{"b64_json":"',
    piece: 'QUJDREVG'.repeat(2000),
    last: `"}],"usage":${JSON.stringify(usage)}}`,
  },
  'one line': {
    type: 'application/x-ndjson',
    first: '{"text":"',
    piece: 'QUJDREVG'.repeat(2000),
    last: `"}\n${JSON.stringify({ usage })}\n`,
  },
  'one event': {
    type: 'text/event-stream',
    first: 'data: {"text":"',
    piece: 'QUJDREVG'.repeat(2000),
    last: `"}\n\ndata: ${JSON.stringify({ usage })}\n\n`,
  },
}

/** What the server could write so far. */
let written = 0

async function answer(response: ServerResponse, kind: string, megabytes: number): Promise<void> {
  const { type, first, piece, last } = kinds[kind]!
  response.writeHead(200, { 'content-type': type })
  const write = async (bytes: string | Uint8Array): Promise<void> => {
    const goesOn = response.write(bytes)
    written += bytes.length
    if (!goesOn) await new Promise((resolve) => void response.once('drain', resolve))
  }
  if (first !== undefined) await write(first)
  for (let sent = 0; sent < megabytes * megabyte; sent += piece.length) await write(piece)
  response.end(last)
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
  void answer(response, decodeURIComponent(pathname.slice(1)), Number(searchParams.get('mb')))
})
let url = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

interface Read {
  readonly megabytes: number
  readonly length: number
  readonly tokens?: { readonly input: number; readonly output: number }
}

async function read(kind: string, by: 'raw' | 'metered', way: string): Promise<Read> {
  const script = join(import.meta.dirname, 'large-body-child.ts')
  const args = [script, `${url}/${encodeURIComponent(kind)}?mb=100`, by, way]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Read
}

/** Beyond what the raw `fetch` takes, in MB. Of one event of 100 MB 32 are kept before it is passed over. */
const most = (kind: string): number => (kind.startsWith('one') ? 150 : 60)

describe('an answer of 100 MB takes no memory, read as it comes', () => {
  let raw: Read

  beforeAll(async () => {
    raw = await read('sse', 'raw', 'body')
  })

  // In turns: what runs at the same time takes each other's memory.
  test.each(Object.keys(kinds))('%s', async (kind) => {
    const metered = await read(kind, 'metered', 'body')
    expect(metered.length).toBeGreaterThan(100 * megabyte)
    expect(metered.tokens).toMatchObject(usage)
    expect(metered.megabytes - raw.megabytes).toBeLessThan(most(kind))
  })
})

test.each(['text', 'json'])('one that is read by %s takes little more than raw', async (way) => {
  const raw = await read('vectors', 'raw', way)
  const metered = await read('vectors', 'metered', way)
  expect(metered.length).toBe(raw.length)
  expect(metered.tokens).toMatchObject(usage)
  expect(metered.megabytes - raw.megabytes).toBeLessThan(60)
})

test.each(Object.keys(kinds))('%s: a slow reader holds the server back', async (kind) => {
  const { fetch: metered, meter } = framedMeter()
  const from = written
  const response = await metered(`${url}/${encodeURIComponent(kind)}?mb=100`)
  const reader = response.body!.getReader()
  await reader.read()
  let before = -1
  // Until it can write no more.
  while (before !== written) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  // What the sockets and undici hold: far from all.
  expect(written - from).toBeLessThan(20 * megabyte)
  await reader.cancel()
  await meter.close()
})
