import type { Endpoint } from '@token-meter/core/wire'
import { messages } from '@token-meter/anthropic/usage'
import { generateContent, interactions } from '@token-meter/google/usage'
import { chatCompletions, responses } from '@token-meter/openai/usage'
import type { WireShape } from './wire-usage.ts'

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
