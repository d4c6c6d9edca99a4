/** The fields of a request's body, for who pays, what may be asked, and the meter. */
import { GatewayRefusal } from '../refusal.ts'

export type BodyFields = Readonly<Record<string, unknown>>

/** What must be a text in a form, and what no JSON may have in another case too, which some servers take for the same. */
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
  'cachedcontent',
  'cached_content',
  'input',
  'messages',
  'contents',
  'requests',
  'tools',
])

/**
 * @param bytes decoded. They may have what is no UTF-8 in texts.
 * @throws GatewayRefusal 400 for what is no JSON object, for a field that an object in it has twice, and for a
 * decisive one in another case.
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
  const twice = repeatedField(bytes, fields)
  if (twice !== undefined) throw repeated(twice)
  for (const name of Object.keys(fields)) {
    const lower = name.toLowerCase()
    if (lower === name || name === 'cachedContent' || !decisive.has(lower)) continue
    throw invalid(`the body of the request has "${name}", which is written "${lower}"`)
  }
  return fields as BodyFields
}

// It leaves a byte order mark out, which parsers of JSON do not know.
const utf8 = new TextDecoder()

/**
 * The text fields of a form; its files are left alone. What a name says of an object or a list (`video[id]`,
 * `images[][file_id]`) and a text that is JSON are the objects and lists that they stand for.
 * @throws GatewayRefusal 400 for what is no form, for a decisive field that is there twice or as a file, and for
 * a file without a name, which some servers take for a text.
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
  for (const [written, value] of form) {
    const [name = '', ...inner] = written.split(/[.[\]]+/).filter((part) => !/^\d*$/.test(part))
    const isDecisive = decisive.has(name.toLowerCase())
    if (isDecisive && name !== name.toLowerCase()) {
      throw invalid(`the form has "${name}", which is written "${name.toLowerCase()}"`)
    }
    if (typeof value !== 'string') {
      if (isDecisive || value.name === '') throw invalid(`"${name}" of the form is a file`)
      continue
    }
    const before: unknown = Object.hasOwn(fields, name) ? fields[name] : undefined
    const isPart = inner.length > 0 || written.endsWith('[]') || /\[\d+\]$/.test(written)
    if (before !== undefined && isDecisive && !isPart) throw repeated(name)
    if (before !== undefined && name === 'model') throw repeated(name)
    const meant = inner.reduceRight<unknown>((each, key) => ({ [key]: each }), valueOf(name, value))
    fields[name] = before === undefined ? meant : [before, meant].flat()
  }
  return fields
}

/** What a model is told may look as it likes. */
const spoken: ReadonlySet<string> = new Set(['prompt', 'instructions', 'negative_prompt'])

function valueOf(name: string, text: string): unknown {
  if (name === 'stream' && (text === 'true' || text === 'false')) return text === 'true'
  if (spoken.has(name) || !/^\s*[[{]/.test(text)) return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  const twice = repeatedField(Buffer.from(text), value)
  if (twice !== undefined) throw repeated(twice)
  return value
}

/**
 * A name that any object in it has twice, however it is written (`"\u006dodel"`): of the two one server takes the
 * first and another the last. `undefined` where there is none.
 *
 * @param json that a parser has taken for an object.
 * @param value what the parser has made of it.
 */
export function repeatedField(json: Uint8Array, value: unknown): string | undefined {
  return colonsOf(json) === membersOf(value) ? undefined : repeatedName(json)
}

/** How many members its objects have, those that a parser leaves out too: each has a colon, outside of texts. */
function colonsOf(json: Uint8Array): number {
  let colons = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === quote) at = behindString(json, at) - 1
    else if (byte === colon) colons++
  }
  return colons
}

function membersOf(value: unknown): number {
  let members = 0
  const left: unknown[] = [value]
  while (left.length > 0) {
    const each = left.pop() as object
    const inner: readonly unknown[] = Array.isArray(each) ? each : Object.values(each)
    if (!Array.isArray(each)) members += inner.length
    for (const one of inner) if (typeof one === 'object' && one !== null) left.push(one)
  }
  return members
}

/** Deeper than this nobody is told which it is. */
const maxDepth = 100

function repeatedName(json: Uint8Array): string {
  /** The names of each object around; those of a list are none. */
  const around: Set<string>[] = []
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === brace || byte === bracket) {
      if (depth < maxDepth) around[depth] = new Set()
      depth++
    } else if (byte === brace + 2 || byte === bracket + 2) depth--
    else if (byte === quote) {
      const end = behindString(json, at)
      if (depth <= maxDepth && json[behindBlank(json, end)] === colon) {
        const name = nameOf(json, at, end)
        const names = around[depth - 1]
        if (names?.has(name) === true) return name
        names?.add(name)
      }
      at = end - 1
    }
  }
  return 'a field'
}

const colon = 0x3a
const bracket = 0x5b
const quote = 0x22
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

/** The models that a request names. */
export interface NamedModels {
  /** All of them, wherever they may be: also those that it falls back to, and those of tools. */
  readonly all: readonly string[]
  /** What the call itself runs on is among them: not so where only a tool's are named. */
  readonly isComplete: boolean
}

export function namedModels(fields: BodyFields, ofPath: string | undefined): NamedModels {
  const models: string[] = []
  /** @returns true where it is one. */
  const add = (value: unknown): boolean => {
    const isName = typeof value === 'string' && value !== ''
    if (isName) models.push(value.replace(/^models\//, ''))
    return isName
  }
  const isOfPath = add(ofPath)
  const isOfBody = add(fields['model'])
  // An agent of Google's stands for the model that it runs on.
  const isAgent = add(fields['agent'])
  for (const name of ['data_source', 'grader'] as const) add(modelOf(fields[name]))
  const ofList = (list: string): boolean => {
    const items: unknown = fields[list]
    if (!Array.isArray(items)) return false
    const named = (items as readonly unknown[]).map((item) => {
      const isNamed = [add(item), add(modelOf(item))]
      const { params } = (item ?? {}) as { params?: unknown }
      return [...isNamed, add(modelOf(params))].includes(true)
    })
    return named.length > 0 && named.every(Boolean)
  }
  const isInList = [ofList('models'), ofList('requests')].includes(true)
  for (const list of ['fallbacks', 'tools']) ofList(list)
  // The lines of a file name what they run on.
  const isFile = fields['input_file_id'] !== undefined
  return { all: models, isComplete: !isFile && (isOfPath || isOfBody || isAgent || isInList) }
}

function modelOf(value: unknown): unknown {
  return ((value ?? {}) as { model?: unknown }).model
}

function invalid(what: string): GatewayRefusal {
  return new GatewayRefusal(400, 'invalid_request', `${what}: nothing was passed on`)
}

function repeated(name: string): GatewayRefusal {
  return invalid(`the body of the request has "${name}" twice`)
}
