import {
  type Call,
  type Endpoint,
  type StreamReader,
  type UsageReading,
  jsonObject,
  noTokens,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { isRefusal } from './any-answer.ts'
import { imageBounds } from './bounds.ts'
import { imagesUsage } from './usage/images.ts'

/** `POST /images/generations`, `/images/edits` and `/images/variations`. */
export function images(name: string): Endpoint {
  return {
    name,
    bounds: imageBounds,
    inputs: name === 'images.generations' ? ['prompt'] : ['prompt', 'image', 'images', 'image[]'],
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

const lastEvents = new Set<unknown>(['image_generation.completed', 'image_edit.completed'])

/** Follows a streamed image: the event of each image that is completed has that image's usage. */
export class ImageStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #readings: UsageReading[] = []
  #imagesLeft: number
  #events = 0
  #refused = false

  constructor(call: Call) {
    this.#call = call
    const wanted = Number(call.body.n)
    this.#imagesLeft = wanted > 1 ? wanted : 1
  }

  get finished(): boolean {
    return this.#imagesLeft <= 0
  }

  get usageSeen(): boolean {
    return this.finished
  }

  push(event: unknown): unknown {
    const { type, usage, svg_usage: svg } = jsonObject(event)
    this.#events++
    if (isRefusal(event)) this.#refused = true
    if (!lastEvents.has(type)) return event
    this.#imagesLeft--
    const { provider } = this.#call
    const known = usage !== undefined && usage !== null
    this.#readings.push(
      known ? imageReading(usage, this.#call, 1) : unknownUsage(text(this.#call.body.model)),
      ...svgReading(svg, provider),
    )
    return event
  }

  readings(): readonly UsageReading[] {
    if (this.#readings.length > 0) return this.#readings
    // Refused before it began: nothing was generated.
    if (this.#refused && this.#events === 1) return []
    return [unknownUsage(text(this.#call.body.model))]
  }
}

/**
 * The reading of a GPT image model's usage, which is on the requested model: none is answered.
 *
 * @param images how many there are: an image has output, whatever the usage says.
 */
export function imageReading(usage: unknown, call: Call, images: number): UsageReading {
  const task = call.endpoint === 'images.generations' ? 'generation' : 'edit'
  const counts = imagesUsage(usage, call.provider, task)
  const model = text(call.body.model)
  const output = images > 0 && counts.tokens.output === 0 ? undefined : counts.tokens.output
  return {
    ...counts,
    tokens: { ...counts.tokens, output },
    model,
    serviceTier: undefined,
    raw: usage,
    problems: unnamed(counts, model),
  }
}

// Which of the GPT image models the API takes then has changed with time and parameters.
function unnamed({ problems }: { problems: readonly string[] }, model: string | undefined) {
  if (model !== undefined) return problems
  return [...problems, 'no model is known: the request names none that can be seen']
}

/** The reading of the model that drew an SVG: another model than the image's, and on its own bill. */
export function svgReading(svgUsage: unknown, provider: string): readonly UsageReading[] {
  if (typeof svgUsage !== 'object' || svgUsage === null) return []
  const model = text(jsonObject(svgUsage).model)
  const counts = imagesUsage(svgUsage, provider, 'svg')
  return [
    {
      ...counts,
      model: model ?? 'unknown',
      serviceTier: undefined,
      isBeside: true,
      raw: svgUsage,
    },
  ]
}
