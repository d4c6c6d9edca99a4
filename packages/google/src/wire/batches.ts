import {
  type AnswerPart,
  type Call,
  type Endpoint,
  jsonObject,
  noEstimate,
  text,
  unknownUsage,
  type UsageReading,
  type WireContext,
  type WireOperation,
} from '@token-meter/core/wire'
import { batchBounds } from './bounds.ts'
import { contentReading } from './content.ts'
import { modelName } from './routes.ts'
import { settling } from './settling.ts'
import { Grounding } from './tools.ts'
import { embedContentUsage } from './usage/embed-content.ts'

/**
 * A batch is billed by its answers, when they are seen: in the finished job itself, or in the file
 * that it names, line by line. Whoever created the job pays, or else who asks. The id of each record
 * is derived from the job or the file, so that seeing them again bills nothing.
 */

/** `:batchGenerateContent` and `:asyncBatchEmbedContent` */
export function batchCreation<Creator>(
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const of = (job: unknown) => {
    const name = text(jsonObject(job).name)
    if (name !== undefined) context.jobs('batches').created(name, { model: body.model })
    return []
  }
  return { endpoint: batches, body, parts: { of } }
}

/** What shows a batch again, or a page of batches. */
export function batchAgain<Creator>(context: WireContext<Creator>): WireOperation<Creator> {
  const of = (answer: unknown): readonly AnswerPart<Creator>[] => {
    const { operations } = jsonObject(answer)
    const shown = Array.isArray(operations) ? (operations as unknown[]) : [answer]
    return shown.flatMap((job) => finishedBatch(job, context))
  }
  return { endpoint: batches, body: {}, free: true, parts: { of } }
}

/**
 * The download of a file; `undefined` for one that no batch put out. Google names those
 * `files/batch-...`; of a job that was seen the file is known.
 */
export function batchFile<Creator>(
  file: string,
  context: WireContext<Creator>,
): WireOperation<Creator> | undefined {
  const files = context.jobs('files')
  const creator = files.creatorOf(file)
  if (files.isBilled(file)) return undefined
  if (creator === undefined && !file.startsWith('files/batch-')) return undefined
  return {
    endpoint: { ...batches, content: 'lines' },
    body: files.fieldsOf(file) ?? {},
    free: true,
    creator,
    parts: {
      of: (answer, line) => [{ endpoint: batchLine(file, line), answer }],
      ended: () => void files.settle(file),
    },
  }
}

/** A finished job with its answers in it; `body.model` is the job's. */
const batches: Endpoint = {
  name: 'batches',
  bounds: batchBounds,
  read(job, { provider, body }) {
    const name = String(text(jsonObject(job).name))
    return batchOutput(job).responses.flatMap((answer, index) =>
      answerReading(answer, body.model, [provider, 'batches', name, index]),
    )
  },
  ...noEstimate,
}

/** One line of a job's output file. */
function batchLine(file: string, line: number): Endpoint {
  return {
    ...batches,
    read: (answer, { provider, body }) =>
      answerReading(answer, body.model, [provider, 'batches', file, line]),
  }
}

/** What a job owes that was not seen finished before. */
function finishedBatch<Creator>(
  job: unknown,
  context: WireContext<Creator>,
): readonly AnswerPart<Creator>[] {
  const jobs = context.jobs('batches')
  const name = text(jsonObject(job).name)
  const { responses, file } = batchOutput(job)
  if (name === undefined || jobs.isBilled(name)) return []
  if (responses.length === 0 && file === undefined) {
    // What is held for it is given back.
    if (hasFailed(job)) jobs.settle(name)
    return []
  }
  const model = modelName(text(jsonObject(jsonObject(job).metadata).model) ?? '')
  const creator = jobs.creatorOf(name)
  const body = { model: model || jobs.fieldsOf(name)?.model }
  const endpoint = file === undefined ? batches : namingFile(file, context)
  return [{ endpoint: settling(endpoint, jobs, name), answer: job, creator, body }]
}

function hasFailed(job: unknown): boolean {
  return /FAILED|CANCELLED|EXPIRED/.test(String(jsonObject(jsonObject(job).metadata).state))
}

/** Of a job whose answers are in a file: whoever pays for the job pays for what the file says. */
function namingFile(file: string, context: WireContext): Endpoint {
  return {
    ...batches,
    read(_, { body }) {
      context.jobs('files').created(file, { model: body.model })
      return []
    },
  }
}

/** What a finished batch job put out. */
interface BatchOutput {
  /** The answers, in the order of the requests, where they are in the job itself. */
  readonly responses: readonly unknown[]
  /** The file that has them otherwise. */
  readonly file: string | undefined
}

function batchOutput(job: unknown): BatchOutput {
  const { metadata, response } = jsonObject(job)
  const output = jsonObject(jsonObject(metadata).output ?? response)
  const inlined = output.inlinedResponses ?? output.inlinedEmbedContentResponses
  const list = Array.isArray(inlined) ? inlined : jsonObject(inlined).inlinedResponses
  return { responses: Array.isArray(list) ? list : [], file: text(output.responsesFile) }
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
