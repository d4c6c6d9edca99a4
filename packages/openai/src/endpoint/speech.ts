import { type Endpoint, noTokens, unknownUsage, type UsageReading } from '@token-meter/core/wire'
import { AudioStreamReader } from './audio-stream-reader.ts'

/**
 * `POST /audio/speech`. The answer is audio, which nobody looks at: what is known is the length of
 * the text. Most models are billed by that; the GPT models are billed by tokens, which only
 * `stream_format: 'sse'` tells, so that a record of theirs is an estimate otherwise.
 */
export const speech: Endpoint = {
  name: 'audio.speech',
  content: 'binary',
  read(_, { body }): readonly UsageReading[] {
    const details = { characters: characters(body.input) }
    const reading = { ...unknownUsage(), details }
    if (typeof body.model === 'string' && body.model.includes('gpt')) return [reading]
    return [{ ...reading, tokens: noTokens }]
  },
  openStream: (call, output) => new AudioStreamReader(call, output, 'speech.audio.done'),
  estimateInput: (body, estimate) => estimate.addStrings([body.input, body.instructions]),
  estimateOutput: () => {},
}

/** As people count them: by code point. */
function characters(input: unknown): number {
  if (typeof input !== 'string') return 0
  let count = 0
  for (const _ of input) count++
  return count
}
