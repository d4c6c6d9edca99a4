import {
  type AnswerPart,
  type Call,
  type Endpoint,
  jsonObject,
  noEstimate,
  noTokens,
  text,
  unknownUsage,
  type WireContext,
  type WireOperation,
} from '@token-meter/core/wire'
import { videoBounds } from './bounds.ts'
import { modelName } from './routes.ts'
import { settling } from './settling.ts'

/** What Veo makes unless told otherwise: https://ai.google.dev/gemini-api/docs/video */
const defaultSeconds = 8

/**
 * `:predictLongRunning`, as its operation shows it when it is done. Billed by the second of video;
 * what failed or was filtered is not in the answer and not billed. The body is the one of the
 * request that asked for the video.
 */
export const videos: Endpoint = {
  name: 'generateVideos',
  bounds: videoBounds,
  read(operation, { provider, body }) {
    const { name, response } = jsonObject(operation)
    const count = madeVideos(jsonObject(response))
    if (count === 0) return []
    const { parameters } = body
    const asked = Number(jsonObject(parameters).durationSeconds)
    const seconds = Number.isFinite(asked) && asked > 0 ? asked : defaultSeconds
    const problems =
      parameters === undefined
        ? [`the length of a video is not known here, counted as ${seconds} seconds`]
        : []
    const details = { seconds: count * seconds }
    const identity = [provider, 'generateVideos', String(text(name))]
    const responseId = text(name)
    return [{ ...unknownUsage(), tokens: noTokens, details, problems, identity, responseId }]
  },
  ...noEstimate,
}

/** `:predictLongRunning`: the video is billed when an answer shows its operation done. */
export function videoCreation<Creator>(
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const of = (operation: unknown) => {
    const name = text(jsonObject(operation).name)
    const { model, parameters = {} } = body
    if (name !== undefined) context.jobs('videos').created(name, { model, parameters })
    return []
  }
  return { endpoint: videos, body, parts: { of } }
}

/** What shows an operation again: whoever asked for its video pays. */
export function videoAgain<Creator>(context: WireContext<Creator>): WireOperation<Creator> {
  const jobs = context.jobs('videos')
  const of = (operation: unknown): readonly AnswerPart<Creator>[] => {
    const { name: found, done } = jsonObject(operation)
    const name = text(found)
    if (name === undefined || done !== true || jobs.isBilled(name)) return []
    const model = modelName(name.replace(/\/operations\/.*/, ''))
    const [creator, body = { model }] = [jobs.creatorOf(name), jobs.fieldsOf(name)]
    return [{ endpoint: settling(videos, jobs, name), answer: operation, creator, body }]
  }
  return { endpoint: videos, body: {}, free: true, parts: { of } }
}

function madeVideos(response: Readonly<Record<string, unknown>>): number {
  const { generateVideoResponse, videos, generatedVideos } = response
  const made = jsonObject(generateVideoResponse).generatedSamples ?? videos ?? generatedVideos
  return Array.isArray(made) ? made.length : 0
}
