import {
  type Call,
  type Endpoint,
  jsonObject,
  noTokens,
  text,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { imageReading } from './image-reading.ts'
import { ImageStreamReader } from './image-stream-reader.ts'
import { isRefusal } from './refusal.ts'
import { svgReading } from './svg-reading.ts'

/** `POST /images/generations`, `/images/edits` and `/images/variations`. */
export function images(name: string): Endpoint {
  return {
    name,
    read(response, call) {
      if (isRefusal(response)) return []
      const { usage, svg_usage: svg, data } = jsonObject(response)
      const pieces = Array.isArray(data) ? data.length : 0
      return [
        ...(usage === undefined || usage === null
          ? imagesByPiece(call, pieces)
          : [imageReading(usage, call, pieces)]),
        ...svgReading(svg, call.provider),
      ]
    },
    openStream: (call) => new ImageStreamReader(call),
    estimateInput: (body, estimate) => estimate.addStrings(body.prompt),
    estimateOutput: () => {},
  }
}

/** DALL-E and the like have a price per image. A GPT image model without its usage is estimated. */
function imagesByPiece(call: Call, pieces: number): readonly UsageReading[] {
  const requested = text(call.body.model)
  if (requested?.includes('gpt-image')) {
    return [{ ...unknownUsage(requested), details: { images: pieces } }]
  }
  if (pieces === 0) return []
  return [
    {
      // The documented default where tokens are not counted.
      model: requested ?? (call.provider === 'openai' ? 'dall-e-2' : undefined),
      tokens: noTokens,
      details: { images: pieces },
      serviceTier: undefined,
      raw: undefined,
      problems: [],
    },
  ]
}
