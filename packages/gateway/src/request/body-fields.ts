/** The fields of a request's body, for who pays, what may be asked, and the meter. */
import { GatewayRefusal } from '../refusal.ts'

export type BodyFields = Readonly<Record<string, unknown>>

/**
 * Of two of these one server takes the first and another the last: whom to bill, for what, and with whose files and
 * conversations.
 */
const decisive: ReadonlySet<string> = new Set([
  'model',
  'user',
  'stream',
  'metadata',
  'previous_response_id',
  'conversation',
  'container',
  'input_file_id',
  'file_id',
  'file_ids',
  'cachedContent',
  'cached_content',
  'input',
  'messages',
  'contents',
  'requests',
  'tools',
])

/**
 * @param bytes decoded. They may have what is no UTF-8 in texts.
 * @throws GatewayRefusal 400 for what is no JSON object, and for a decisive field that is there twice.
 */
export function jsonFields(bytes: Buffer): BodyFields {
  let fields: unknown
  try {
    fields = JSON.parse(utf8.decode(bytes))
  } catch {
    throw invalid('the body of the request is no JSON')
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw invalid('the body of the request is no JSON object')
  }
  const twice = repeatedField(bytes, decisive)
  if (twice !== undefined) throw repeated(twice)
  return fields as BodyFields
}

// It leaves a byte order mark out, which parsers of JSON do not know.
const utf8 = new TextDecoder()

/**
 * The text fields of a form; its files are left alone.
 * @throws GatewayRefusal 400 for what is no form, and for a decisive field that is there twice.
 */
export async function formFields(bytes: Buffer, contentType: string): Promise<BodyFields> {
  let form: FormData
  try {
    form = await new Response(bytes as Buffer<ArrayBuffer>, {
      headers: { 'content-type': contentType },
    }).formData()
  } catch {
    throw invalid('the body of the request is not the form that its type says')
  }
  const fields: Record<string, unknown> = {}
  for (const [name, value] of form) {
    if (decisive.has(name) && Object.hasOwn(fields, name)) throw repeated(name)
    if (typeof value !== 'string') continue
    const isFlag = name === 'stream' && (value === 'true' || value === 'false')
    fields[name] = isFlag ? value === 'true' : value
  }
  return fields
}

/**
 * The first of the watched names that an object has twice at its top, however it is written (`"\u006dodel"`).
 * @param json that a parser has taken for an object.
 */
export function repeatedField(json: Uint8Array, watched: ReadonlySet<string>): string | undefined {
  const seen = new Set<string>()
  let at = json.indexOf(brace) + 1
  for (;;) {
    at = behindBlank(json, at)
    if (json[at] !== quote) return undefined
    const nameEnd = behindString(json, at)
    const name = nameOf(json, at, nameEnd)
    if (watched.has(name)) {
      if (seen.has(name)) return name
      seen.add(name)
    }
    // Past the colon.
    at = behindBlank(json, behindValue(json, behindBlank(json, behindBlank(json, nameEnd) + 1)))
    if (json[at] !== comma) return undefined
    at++
  }
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const brace = 0x7b

function nameOf(json: Uint8Array, from: number, to: number): string {
  return JSON.parse(utf8.decode(json.subarray(from, to))) as string
}

function behindBlank(json: Uint8Array, from: number): number {
  let at = from
  while ((json[at] ?? 0xff) <= 0x20) at++
  return at
}

/** Most of a long body is in texts, which are not looked through byte by byte. */
function behindString(json: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    at = json.indexOf(quote, at + 1)
    if (at < 0) return json.length
    let escapes = 0
    while (json[at - 1 - escapes] === backslash) escapes++
    if (escapes % 2 === 0) return at + 1
  }
}

function behindValue(json: Uint8Array, from: number): number {
  let depth = 0
  let at = from
  while (at < json.length) {
    const byte = json[at]
    if (byte === quote) {
      at = behindString(json, at)
      if (depth === 0) return at
      continue
    }
    if (byte === brace || byte === 0x5b) depth++
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && (byte === comma || (byte as number) <= 0x20)) return at
    at++
  }
  return at
}

/** Every model that a request names, wherever it may: also those that it falls back to. */
export function namedModels(fields: BodyFields, ofPath: string | undefined): readonly string[] {
  const models: string[] = []
  const add = (value: unknown): void => {
    if (typeof value === 'string' && value !== '') models.push(value.replace(/^models\//, ''))
  }
  if (ofPath !== undefined) add(ofPath)
  add(fields['model'])
  for (const list of ['models', 'fallbacks', 'tools', 'requests'] as const) {
    const items: unknown = fields[list]
    if (!Array.isArray(items)) continue
    for (const item of items as readonly unknown[]) {
      add(item)
      const { model, params } = (item ?? {}) as {
        model?: unknown
        params?: { model?: unknown } | null
      }
      add(model)
      add(params?.model)
    }
  }
  return models
}

function invalid(what: string): GatewayRefusal {
  return new GatewayRefusal(400, 'invalid_request', `${what}: nothing was passed on`)
}

function repeated(name: string): GatewayRefusal {
  return invalid(`the body of the request has "${name}" twice`)
}
