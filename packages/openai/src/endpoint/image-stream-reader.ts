import {
  type Call,
  jsonObject,
  type StreamReader,
  text,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { imageReading } from './image-reading.ts'
import { isRefusal } from './refusal.ts'
import { svgReading } from './svg-reading.ts'

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
