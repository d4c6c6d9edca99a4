import { type Call, type Endpoint, jsonObject, type UsageReading } from '@token-meter/core/wire'
import { LastPartReader } from './last-part-reader.ts'
import { withStatedCost } from '../usage/metadata-cost.ts'
import { audioUsage } from '../usage/audio-usage.ts'
import { answeredModel, type ModelAnswer, wholeAnswer } from '../usage/model-answer.ts'

/** A speech model: by tokens where the provider says them, and by the characters it was given. */
export const speechModel: Endpoint = {
  name: 'speechModel',
  read: (result, call) => readSpeech(wholeAnswer(result), call),
  openStream: (call) => new LastPartReader(({ answer }) => readSpeech(answer, call)),
  estimateInput: (body, estimate) => estimate.add(body.text),
  estimateOutput: () => {},
}

function readSpeech(answer: ModelAnswer, { provider, body }: Call): readonly UsageReading[] {
  const { tokens, total, details, problems, raw, serviceTier } = audioUsage(answer, provider)
  // A streamed text is the caller's: how long it was only the provider can say.
  const { inputCharacters } = jsonObject(answer.usage)
  const given = typeof body.text === 'string' ? body.text.length : inputCharacters
  const characters = typeof given === 'number' && given > 0 ? { characters: given } : {}
  return [
    withStatedCost(
      {
        model: answeredModel(answer, provider),
        tokens,
        total,
        details: { ...details, ...characters },
        serviceTier,
        raw,
        problems,
      },
      answer,
    ),
  ]
}
