import {
  type Call,
  jsonObject,
  type HttpHeaders,
  type StreamReader,
  TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import { shapeOfEvent, wireEndpoints } from '../usage/wire-endpoints.ts'
import type { WireShape } from '../usage/wire-usage.ts'

/**
 * The provider's own events (parts of type `raw`), read as when its own client streams them. They
 * say what the AI SDK's parts leave out, such as the tokens of an image tool.
 */
export class RawEvents {
  readonly #call: Call
  readonly #headers: HttpHeaders | undefined
  #shape: WireShape | undefined
  #reader: StreamReader | undefined

  constructor(call: Call, headers: HttpHeaders | undefined) {
    this.#call = call
    this.#headers = headers
  }

  see(value: unknown): void {
    const event = jsonObject(value)
    if (this.#reader === undefined) {
      this.#shape = shapeOfEvent(event)
      if (this.#shape === undefined) return
      // What streams past is estimated by the parts.
      const text = new TokenEstimate('', () => 0)
      const endpoint = wireEndpoints[this.#shape]
      this.#reader = endpoint.openStream?.(this.#call, text, { headers: this.#headers })
    }
    this.#reader?.push(event)
  }

  /** Whose events they are, once one has come. */
  get shape(): WireShape | undefined {
    return this.#shape
  }

  /** What they said; nothing before the provider has said what it used. */
  readings(): readonly UsageReading[] {
    const readings = this.#reader?.readings() ?? []
    return readings.some(({ raw }) => raw !== undefined) ? readings : []
  }
}
