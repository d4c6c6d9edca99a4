import {
  type Endpoint,
  jsonObject,
  noEstimate,
  noTokens,
  text,
  unknownUsage,
} from '@token-meter/core/wire'

/** What Veo makes unless told otherwise: https://ai.google.dev/gemini-api/docs/video */
const defaultSeconds = 8

/**
 * `:predictLongRunning`, as its operation shows it when it is done. Billed by the second of video;
 * what failed or was filtered is not in the answer and not billed. The body is the one of the
 * request that asked for the video.
 */
export const videos: Endpoint = {
  name: 'generateVideos',
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

function madeVideos(response: Readonly<Record<string, unknown>>): number {
  const { generateVideoResponse, videos, generatedVideos } = response
  const made = jsonObject(generateVideoResponse).generatedSamples ?? videos ?? generatedVideos
  return Array.isArray(made) ? made.length : 0
}
