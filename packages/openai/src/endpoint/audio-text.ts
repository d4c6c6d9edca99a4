import { type Endpoint, jsonObject, text, type UsageReading } from '@token-meter/core/wire'
import { audioUsage } from '../usage/audio.ts'
import { secondsUsage } from '../usage/seconds.ts'
import { AudioStreamReader, audioReading } from './audio-stream-reader.ts'
import { isRefusal } from './refusal.ts'

/**
 * `POST /audio/transcriptions` and `/audio/translations`. An answer as text, SRT or VTT, and most
 * translations, have neither tokens nor the length of the audio: such a record has the requested
 * model, and an estimate of the text alone, flagged.
 */
export function audioText(name: string): Endpoint {
  return {
    name,
    content: 'text',
    read(response, { provider }): readonly UsageReading[] {
      if (isRefusal(response)) return []
      const { usage, duration, model } = jsonObject(response)
      if (usage !== undefined && usage !== null) {
        return [audioReading(audioUsage(usage, provider), text(model), usage)]
      }
      // The verbose form of models that are billed by the length of the audio.
      if (duration === undefined || duration === null) return [audioReading(undefined, text(model))]
      return [audioReading(secondsUsage(duration), text(model))]
    },
    openStream: (call, output) => new AudioStreamReader(call, output, 'transcript.text.done'),
    estimateInput: (body, estimate) => estimate.add(body.prompt),
    estimateOutput(response, estimate) {
      estimate.add(typeof response === 'string' ? response : jsonObject(response).text)
    },
  }
}
