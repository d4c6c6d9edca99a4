import { type Call, type Endpoint, jsonObject, type UsageReading } from '@token-meter/core/wire'
import { LastPartReader } from './last-part-reader.ts'
import { withStatedCost } from '../usage/metadata-cost.ts'
import { audioUsage } from '../usage/audio-usage.ts'
import { answeredModel, type ModelAnswer, wholeAnswer } from '../usage/model-answer.ts'

/** A transcription model: by tokens where the provider says them, else by the audio's seconds. */
export const transcriptionModel: Endpoint = {
  name: 'transcriptionModel',
  // `doGenerateFromUrl` answers nothing where the provider cannot fetch the audio itself.
  read: (result, call) =>
    result === undefined
      ? []
      : readTranscription(wholeAnswer(result), jsonObject(result).durationInSeconds, call),
  openStream: (call, output) =>
    new LastPartReader(
      ({ answer, finish, seconds }) =>
        // Cut short, it is owed as far as it went.
        readTranscription(answer, jsonObject(finish).durationInSeconds ?? seconds, call),
      output,
    ),
  estimateInput: () => {},
  estimateOutput: (result, estimate) => estimate.add(jsonObject(result).text),
}

function readTranscription(
  answer: ModelAnswer,
  duration: unknown,
  { provider }: Call,
): readonly UsageReading[] {
  const { tokens, total, details, problems, raw, serviceTier } = audioUsage(answer, provider)
  const seconds =
    details.seconds ?? (typeof duration === 'number' && duration > 0 ? duration : undefined)
  return [
    withStatedCost(
      {
        model: answeredModel(answer, provider),
        tokens,
        total,
        details: seconds === undefined ? details : { ...details, seconds },
        serviceTier,
        raw,
        problems,
      },
      answer,
    ),
  ]
}
