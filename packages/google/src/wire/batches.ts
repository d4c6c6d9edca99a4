import {
  type Endpoint,
  jsonObject,
  noEstimate,
  text,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { contentReading } from './content.ts'
import { Grounding } from './tools.ts'
import { embedContentUsage } from './usage/embed-content.ts'

/** What a finished batch job put out. */
export interface BatchOutput {
  /** The answers, in the order of the requests, where they are in the job itself. */
  readonly responses: readonly unknown[]
  /** The file that has them otherwise. */
  readonly file: string | undefined
}

/** The output of a batch job as `GET batches/...` shows it. */
export function batchOutput(job: unknown): BatchOutput {
  const { metadata, response } = jsonObject(job)
  const output = jsonObject(jsonObject(metadata).output ?? response)
  const inlined = output.inlinedResponses ?? output.inlinedEmbedContentResponses
  const list = Array.isArray(inlined) ? inlined : jsonObject(inlined).inlinedResponses
  return { responses: Array.isArray(list) ? list : [], file: text(output.responsesFile) }
}

/** The model of a batch job, as a resource name. */
export function batchModel(job: unknown): string | undefined {
  return text(jsonObject(jsonObject(job).metadata).model)
}

/** A finished job with its answers in it; `body.model` is the job's. */
export const batches: Endpoint = {
  name: 'batches',
  read(job, { provider, body }) {
    const name = String(text(jsonObject(job).name))
    return batchOutput(job).responses.flatMap((answer, index) =>
      answerReading(answer, body.model, [provider, 'batches', name, index]),
    )
  },
  ...noEstimate,
}

/** One line of a job's output file. */
export function batchLine(file: string, line: number): Endpoint {
  return {
    ...batches,
    read: (answer, { provider, body }) =>
      answerReading(answer, body.model, [provider, 'batches', file, line]),
  }
}

/** A request that failed has no response, and is not billed. */
function answerReading(
  answer: unknown,
  model: unknown,
  identity: readonly (string | number)[],
): readonly UsageReading[] {
  const { response: answered, key, metadata } = jsonObject(answer)
  const response = jsonObject(answered)
  // The application's own name of the request.
  const requestId = text(key) ?? text(jsonObject(metadata).key)
  const { usageMetadata, modelVersion, candidates, embedding, tokenCount, responseId } = response
  if (Object.keys(response).length === 0) return []
  const serviceTier = 'batch'
  if (embedding !== undefined) {
    const raw = usageMetadata ?? (tokenCount === undefined ? undefined : { tokenCount })
    const counts = embedContentUsage(response)
    return [{ ...unknownUsage(), ...counts, raw, serviceTier, identity, requestId }]
  }
  const grounding = new Grounding()
  grounding.see(candidates)
  return [
    {
      ...contentReading(usageMetadata, modelVersion, model, grounding, responseId),
      serviceTier,
      identity,
      requestId,
    },
  ]
}
