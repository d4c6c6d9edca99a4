import {
  type Call,
  type Endpoint,
  noEstimate,
  noTokens,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { transcriptions } from '@token-meter/openai/wire'
import { pieceBounds } from './bounds.ts'
import { TypedStreamReader } from './conversations.ts'

/** `POST /v1/audio/transcriptions` */
export const heard: Endpoint = {
  ...transcriptions('audio.transcriptions'),
  openStream: (call, output) => new TypedStreamReader(call, output, 'transcription.done'),
}

/** What goes over the socket of `/v1/audio/transcriptions/realtime`. */
export const heardLive: Endpoint = {
  ...heard,
  ...noEstimate,
  name: 'audio.transcriptions.realtime',
}

/**
 * `POST /v1/audio/speech`, which is billed by the characters of its input (https://mistral.ai/pricing); a
 * stream says its tokens too. The answer is audio, as text, which nobody looks at.
 */
export const speech: Endpoint = {
  ...noEstimate,
  name: 'audio.speech',
  bounds: pieceBounds,
  content: 'binary',
  read: (_, { body }) => [spoken({ ...unknownUsage(), tokens: noTokens }, body)],
  openStream: (call, output) =>
    new TypedStreamReader(call, output, 'speech.audio.done', (reading) =>
      spoken(reading.raw === undefined ? { ...reading, tokens: noTokens } : reading, call.body),
    ),
}

/** The length of the text as people count it: by code point. */
function spoken(reading: UsageReading, { input }: Call['body']): UsageReading {
  const characters = typeof input === 'string' ? [...input].length : 0
  return { ...reading, requests: 1, details: { ...reading.details, characters } }
}
