import {
  type Endpoint,
  jsonObject,
  noEstimate,
  noTokens,
  unknownUsage,
} from '@token-meter/core/wire'
import { imageBounds } from './bounds.ts'
import { isRefusal } from './content.ts'
import { embedContent } from './embed.ts'

/**
 * `:predict` of image models (generate, edit, upscale, recontext, segment), billed by the image.
 * What the safety filters took out comes without an image and is not billed.
 */
export const images: Endpoint = {
  name: 'generateImages',
  bounds: imageBounds,
  read(response) {
    if (isRefusal(response)) return []
    const { predictions, generatedImages } = jsonObject(response)
    const made = Array.isArray(predictions) ? predictions : generatedImages
    const count = Array.isArray(made) ? made.filter(hasImage).length : 0
    return [{ ...unknownUsage(), tokens: noTokens, details: count > 0 ? { images: count } : {} }]
  },
  ...noEstimate,
}

/** `:predict` serves embeddings and images; the request says which. */
export function predictions(body: Readonly<Record<string, unknown>>): Endpoint {
  const instance = jsonObject(Array.isArray(body.instances) ? body.instances[0] : undefined)
  return instance.content === undefined ? images : embedContent
}

function hasImage(prediction: unknown): boolean {
  const { bytesBase64Encoded, gcsUri, image, mask } = jsonObject(prediction)
  return Boolean(bytesBase64Encoded ?? gcsUri ?? image ?? mask)
}
