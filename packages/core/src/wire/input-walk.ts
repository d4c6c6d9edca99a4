import { jsonObject } from '../lib/json.ts'
import type { InputBeyond } from './call-bounds.ts'
import {
  cache,
  codeOf,
  fieldKinds,
  json,
  jsonByType,
  media,
  tools,
  typeCodes,
  url,
} from './input-fields.ts'
import { escaped, plain, textBytes } from './text-bytes.ts'

/**
 * Templates add a beginning, the roles, and often a system message of their own, such as a date. The
 * longest that was seen of those, of gpt-oss, has some 100 tokens.
 */
const perRequest = 256
/**
 * What tools add beside their definitions: Anthropic names 264 to 804 tokens by model and choice
 * (https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing).
 */
const forTools = 1024
/** Quotes, a colon, a comma, a new line and its indentation: what JSON and templates put around a value. */
const perValue = 6
/** A number that is no token, as any language writes it. */
const perNumber = 24
/** Deeper than anything that is sent, and than the stack. */
const deepest = 96

/** Sums one body, and finds what is not in it. */
export class InputWalk {
  readonly beyond = new Set<InputBeyond>()
  cacheWrites = false
  #hasTools = false

  /** @param tokens the fields that may hold tokens in place of text. */
  body(body: Fields, tokens: readonly string[] = []): number {
    let bytes = perRequest
    let hasInput = false
    for (const name of Object.keys(body)) {
      hasInput ||= name !== 'model'
      const count = tokens.includes(name) ? tokenCount(body[name]) : undefined
      bytes += count ?? this.#member(name, body[name], body, 0)
    }
    if (!hasInput || typeof body.toJSON === 'function') this.beyond.add('unread')
    return this.#hasTools ? bytes + forTools : bytes
  }

  /** The bytes of a field and its value. */
  #member(name: string, value: unknown, owner: Fields, depth: number): number {
    if (value === undefined || value === null) return 0
    const kind = fieldKinds.get(name) ?? 0
    const own = name.length + perValue
    if (typeof value === 'string') return own + this.#text(value, kind, name, owner)
    return (
      own +
      (kind === 0
        ? this.#value(value, name, depth + 1)
        : this.#special(kind, name, value, owner, depth + 1))
    )
  }

  #special(kind: number, name: string, value: unknown, owner: Fields, depth: number): number {
    switch (kind) {
      case tools:
        return this.#tools(value, depth)
      case json:
        // At the top it is what the Responses API calls a conversation.
        return name === 'input' && depth === 1
          ? this.#value(value, name, depth)
          : jsonBytes(value, depth)
      case jsonByType:
        return owner.type === 'json' || owner.type === 'error-json'
          ? jsonBytes(value, depth)
          : this.#value(value, name, depth)
      case cache:
        this.cacheWrites = true
        break
      case media:
        // Sound that the model made before, by its name.
        if (name === 'audio' && typeof jsonObject(value).id === 'string') this.beyond.add('history')
        break
      case url:
        break
      default:
        if (Array.isArray(value) ? value.length > 0 : typeof value === 'object') this.#add(kind)
    }
    return this.#value(value, name, depth)
  }

  #add(kind: number): void {
    this.beyond.add(codeOf(kind))
  }

  #value(value: unknown, name: string, depth: number): number {
    if (typeof value === 'string')
      return this.#text(value, fieldKinds.get(name) ?? 0, name, nothing)
    if (typeof value !== 'object' || value === null) return scalarBytes(value)
    if (depth > deepest) throw tooDeep()
    if (!Array.isArray(value)) return this.#object(value as Fields, depth)
    let bytes = 0
    // A string in a list is what the field of the list says.
    for (const item of value as unknown[]) bytes += perValue + this.#value(item, name, depth + 1)
    return bytes
  }

  #object(fields: Fields, depth: number): number {
    if (isForeign(fields)) return this.#foreign(fields, depth)
    if (typeof fields.type === 'string') this.#type(fields.type, fields)
    let bytes = 0
    for (const name in fields) bytes += this.#member(name, fields[name], fields, depth)
    return bytes
  }

  /** What JSON has not, as it becomes JSON. */
  #foreign(value: Fields, depth: number): number {
    if (value instanceof Date) return perNumber
    if (value instanceof URL) this.beyond.add('url')
    else if (isBinary(value)) this.beyond.add('media')
    else if (typeof value.toJSON === 'function') this.beyond.add('unread')
    else return this.#object({ ...value }, depth)
    return 0
  }

  /** What an object says by its `type` that it stands for. */
  #type(type: string, { id, encrypted_content: cipher }: Fields): void {
    const code = typeCodes.get(type)
    if (code !== undefined) this.beyond.add(code)
    // What a tool of the provider did before, of which it may have kept more than it has told.
    else if (type.endsWith('_tool_result') || (type.endsWith('_call') && !ownCalls.has(type))) {
      this.beyond.add('server_tool')
    } else if (type === 'reasoning' && typeof id === 'string' && !cipher) {
      // It is kept at the provider.
      this.beyond.add('history')
    }
  }

  /** A string: text, or what points to something, or is it. */
  #text(value: string, kind: number, name: string, { type }: Fields): number {
    if (kind < media) return textBytes(value, kind === json ? escaped : plain)
    if (value === '') return 0
    // Anthropic has plain text and encrypted thoughts where others have files. A cipher in base64 has
    // more bytes than what it hides has tokens.
    if (name === 'data' && (type === 'text' || type === 'redacted_thinking')) {
      return textBytes(value, plain)
    }
    if (kind > media && !/^data:/i.test(value)) this.#add(kind)
    else this.beyond.add(/^(?:https?|gs|s3):/i.test(value) ? 'url' : 'media')
    return 0
  }

  /** Definitions of tools. What is not declared by the caller is run by the provider. */
  #tools(value: unknown, depth: number): number {
    let bytes = 0
    for (const tool of Array.isArray(value) ? (value as unknown[]) : [value]) {
      this.#hasTools = true
      const fields = jsonObject(tool)
      const { type } = fields
      if (
        typeof type === 'string' ? type !== 'function' && type !== 'custom' : !isDeclared(fields)
      ) {
        if (describedTools.test(String(type))) bytes += forTools
        else this.beyond.add('server_tool')
      }
      if ((fields.cache_control ?? fields.cachePoint ?? undefined) !== undefined) {
        this.cacheWrites = true
      }
    }
    return bytes + jsonBytes(value, depth)
  }
}

type Fields = Readonly<Record<string, unknown>>
const nothing: Fields = Object.freeze({})

/** Tools that the caller runs and Anthropic describes: the longest of them in 700 tokens. */
const describedTools = /^(?:bash|text_editor)_202[45]\d{4}$/

function isDeclared(tool: Fields): boolean {
  // Gemini's stand side by side with those that Google runs.
  return 'name' in tool || Object.keys(tool).every((name) => declarations.has(name))
}

const declarations: ReadonlySet<string> = new Set([
  'functionDeclarations',
  'function_declarations',
  'function',
  'toolSpec',
  'cachePoint',
])

/** Calls that the caller answers. */
const ownCalls: ReadonlySet<string> = new Set(['function_call', 'custom_tool_call'])

/** True for objects of a class, and for what says itself how it is written. */
function isForeign(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  // Of whatever realm.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  return !isPlain || typeof (value as Fields).toJSON === 'function'
}

function isBinary(value: object): boolean {
  const isBytes = ArrayBuffer.isView(value) || value instanceof ArrayBuffer
  return isBytes || typeof (value as Fields).arrayBuffer === 'function'
}

function tooDeep(): Error {
  return new RangeError('a body goes deeper than any that is sent')
}

function scalarBytes(value: unknown): number {
  return typeof value === 'number' || typeof value === 'bigint' ? perNumber : perValue
}

/** The bytes of JSON as it may be written for a model: with each letter beyond ASCII escaped. */
function jsonBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return textBytes(value, escaped)
  if (typeof value !== 'object' || value === null) return scalarBytes(value)
  if (depth > deepest) throw tooDeep()
  let bytes = 0
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) bytes += perValue + jsonBytes(item, depth + 1)
    return bytes
  }
  if (isForeign(value)) {
    if (value instanceof Date) return perNumber
    if (isBinary(value) || typeof (value as Fields).toJSON === 'function')
      throw new TypeError('not JSON')
    return jsonBytes({ ...value }, depth + 1)
  }
  for (const name in value) {
    const item = (value as Fields)[name]
    if (item !== undefined)
      bytes += perValue + textBytes(name, escaped) + jsonBytes(item, depth + 1)
  }
  return bytes
}

/** The tokens of a field that has them as numbers; `undefined` where it has text. */
function tokenCount(value: unknown): number | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  if (typeof value[0] === 'number') return value.length + perValue
  let count = 0
  for (const each of value as unknown[]) {
    const tokens = tokenCount(each)
    if (tokens === undefined) return undefined
    count += tokens
  }
  return count
}
