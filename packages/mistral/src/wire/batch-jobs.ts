import {
  type Call,
  type Endpoint,
  jsonObject,
  noEstimate,
  text,
  type UsageReading,
  type WireContext,
  type WireOperation,
} from '@token-meter/core/wire'
import { batchBounds } from './bounds.ts'
import { readChat } from '@token-meter/openai/wire'

type Json = Readonly<Record<string, unknown>>

/** The states that are a job's last. */
const finished = new Set<unknown>(['SUCCESS', 'FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED'])

/** How the answer of one request of a job is read, by the path that the job asks. */
export type ReadAnswer = (endpoint: string) => Endpoint | undefined

/**
 * Jobs whose requests are in the request for the job itself have their answers in the job, for who asks
 * for them (`inline: true`): each is billed once, when it is first seen finished, to who created it. Where
 * requests and answers are in files, no answer of the API says what they used.
 *
 * This is a request that creates one.
 */
export function batchCreation<Creator>(
  body: Call['body'],
  context: WireContext<Creator>,
  endpointOf: ReadAnswer,
): WireOperation<Creator> {
  const isInline = Array.isArray(body.requests)
  const endpoint = jobEndpoint((job) => {
    if (isInline) context.jobs('batch.jobs').created(jobKey(context.provider, job.id), {})
    else if (!areFilesTold) context.warn(ofFiles)
    areFilesTold ||= !isInline
    return []
  })
  const bounds: Endpoint['bounds'] = (fields, call) => batchBounds(fields, call, endpointOf)
  return { endpoint: { ...endpoint, bounds }, body }
}

let areFilesTold = false
const ofFiles =
  "Mistral's batch jobs of files work, but are not metered (what they used stands in a file of results): " +
  'record() their usage'

/** A request that shows a job again. */
export function batchAgain<Creator>(
  id: string,
  context: WireContext<Creator>,
  endpointOf: ReadAnswer,
): WireOperation<Creator> {
  const jobs = context.jobs('batch.jobs')
  const key = jobKey(context.provider, id)
  const creator = jobs.creatorOf(key)
  const endpoint = jobEndpoint((job) => {
    if (!finished.has(job.status) || jobs.creatorOf(key) === undefined) return []
    if (!Array.isArray(job.outputs)) {
      if (Number(job.succeeded_requests) > 0) context.warn(notInline)
      return []
    }
    return jobs.settle(key) ? answersOf(job, context.provider, endpointOf) : []
  })
  return { endpoint, body: {}, free: true, creator }
}

const notInline =
  'a batch job of Mistral is done, and what it used stands in its answers: get it with `inline: true`, to have it billed'

function jobEndpoint(watch: (job: Json) => readonly UsageReading[]): Endpoint {
  return {
    ...noEstimate,
    name: 'batch.jobs',
    read(response) {
      const job = jsonObject(response)
      return text(job.id) && text(job.status) ? watch(job) : []
    },
  }
}

/** The answers that a job has of its requests, each on the model that gave it. */
function answersOf(job: Json, provider: string, endpointOf: ReadAnswer): readonly UsageReading[] {
  const path = text(job.endpoint) ?? ''
  const endpoint = endpointOf(path)
  const outputs = job.outputs as readonly unknown[]
  return outputs.flatMap((output, index) => {
    const { response } = jsonObject(output)
    const { body = response, status_code: status } = jsonObject(response)
    if (Number(status) >= 400) return []
    const call = { provider, endpoint: 'batch.jobs', method: 'POST', body: { model: job.model } }
    const readings = endpoint?.read(body, call) ?? readChat(body, { provider })
    return readings.map((reading) => ({
      ...reading,
      model: reading.model ?? text(job.model),
      serviceTier: 'batch',
      identity: [provider, 'batch.jobs', String(job.id), index],
    }))
  })
}

function jobKey(provider: string, id: unknown): string {
  return JSON.stringify([provider, id])
}
