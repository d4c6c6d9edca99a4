import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'

/** One endpoint of the fake. */
export interface FakeEndpoint {
  /** Names it in `requestCounts()`. */
  readonly api: string
  readonly method: string
  /** What the whole path of its requests matches. */
  readonly path: RegExp
  /** Refuses a request that is not allowed. @default one without the key, or whose key may not write */
  access?(request: FakeRequest): FakeAnswer | undefined
  /** Requests that are processed one at a time: another one in the same lane is a 409. @default none */
  lane?(request: FakeRequest): string
  process(request: FakeRequest): FakeAnswer
}
