import { messages } from '@token-meter/anthropic/usage'
import { type Endpoint, isStated, jsonObject } from '@token-meter/core/wire'
import { generateContent, interactions } from '@token-meter/google/usage'
import { chatCompletions, responses } from '@token-meter/openai/usage'
import { metadataOf, type ModelAnswer } from './answer.ts'

/**
 * The AI SDK's models speak the APIs of others. Where an answer or an event of one is at hand, it is
 * read as when that API's own client is metered; which API it is of shows by its fields.
 */

/** Whose usage object it is, by its fields: gateways and compatible servers pass on others'. */
export type WireShape = 'chat' | 'messages' | 'responses' | 'generateContent' | 'interactions'

type Fields = Readonly<Record<string, unknown>>

/** A provider's own usage object, as it came over the wire. */
export interface WireUsage {
  readonly shape: WireShape
  readonly usage: Fields
}

const messagesOnly = [
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cache_creation',
  'server_tool_use',
  'iterations',
  'inference_geo',
]

export function wireShape(usage: Fields): WireShape | undefined {
  if ('prompt_tokens' in usage || 'completion_tokens' in usage) return 'chat'
  if ('promptTokenCount' in usage || 'candidatesTokenCount' in usage) return 'generateContent'
  if ('total_input_tokens' in usage || 'total_output_tokens' in usage) return 'interactions'
  if (!('input_tokens' in usage || 'output_tokens' in usage)) return undefined
  return messagesOnly.some((field) => field in usage) ? 'messages' : 'responses'
}

/** How answers of each API are read, as when its own client is metered. */
export const wireEndpoints: Readonly<Record<WireShape, Endpoint>> = {
  chat: chatCompletions,
  responses,
  messages,
  generateContent,
  interactions,
}

/** Of which API an event of a stream is, by its fields; `undefined` where it is of none. */
export function shapeOfEvent(event: Readonly<Record<string, unknown>>): WireShape | undefined {
  const { type, event_type, choices, candidates, usageMetadata } = event
  if (typeof type === 'string' && type.startsWith('response.')) return 'responses'
  if (typeof type === 'string' && /^(?:message|content_block)_/.test(type)) return 'messages'
  if (typeof event_type === 'string') return 'interactions'
  if (candidates !== undefined || usageMetadata !== undefined) return 'generateContent'
  return choices === undefined ? undefined : 'chat'
}

/**
 * The wire usage of an answer: `usage.raw` of V3 and V4, what providers of V2 put into their
 * metadata, or the response itself. Where both are there, the response's own wins if it says the
 * same: some provider versions drop fields they do not know.
 */
export function wireUsage(answer: ModelAnswer): WireUsage | undefined {
  const passedOn = firstStated([asWire(jsonObject(answer.usage).raw), ...ofMetadata(answer)])
  if (answer.body === undefined) return passedOn
  const { usage, usageMetadata, x_groq } = jsonObject(answer.body)
  const received = firstStated([usage, usageMetadata, jsonObject(x_groq).usage].map(asWire))
  if (passedOn === undefined || received === undefined) return passedOn ?? received
  // What counts nothing says nothing.
  if (!isStated(passedOn.usage)) return received
  // Sums over several requests differ from the last response.
  return saysTheSame(passedOn.usage, received.usage) ? received : passedOn
}

/** The first that counts anything, else the first there is. */
function firstStated(candidates: readonly (WireUsage | undefined)[]): WireUsage | undefined {
  return (
    candidates.find((wire) => wire !== undefined && isStated(wire.usage)) ??
    candidates.find((wire) => wire !== undefined)
  )
}

function ofMetadata(answer: ModelAnswer): readonly (WireUsage | undefined)[] {
  return metadataOf(answer).flatMap(({ usage, usageMetadata }) =>
    [usage, usageMetadata].map(asWire),
  )
}

function asWire(value: unknown): WireUsage | undefined {
  const usage = jsonObject(value)
  const shape = wireShape(usage)
  return shape === undefined ? undefined : { shape, usage }
}

export function saysTheSame(passedOn: Fields, received: Fields): boolean {
  for (const name in passedOn) {
    if (typeof passedOn[name] === 'number' && received[name] !== passedOn[name]) return false
  }
  return true
}
