/** What is known of one request while it goes on, for its line in the access log and its count. */
import type { AccessEntry, RequestOutcome } from '../access-entry.ts'
import { withoutKeys } from '../keys/key-secret.ts'
import type { RefusalCode } from '../refusal.ts'

export class RequestRecord {
  readonly id: string
  readonly method: string
  readonly path: string
  upstream: string | null = null
  status: number | null = null
  refusal: RefusalCode | undefined
  keyId: string | null = null
  customer: string | null = null
  model: string | null = null
  bytesIn = 0
  bytesOut = 0
  tokens: number | undefined
  isUnmetered = false
  readonly #at = Date.now()
  readonly #began = performance.now()
  #sentAt: number | undefined
  #answeredAt: number | undefined

  constructor(id: string, method: string, path: string) {
    this.id = id
    this.method = method
    // Somebody may have put a key where an id belongs.
    this.path = withoutKeys(path)
  }

  sending(): void {
    this.#sentAt ??= performance.now()
  }

  answeredWith(status: number): void {
    this.status = status
    this.answered()
  }

  answered(): void {
    this.#answeredAt ??= performance.now()
  }

  addTokens(tokens: number): void {
    this.tokens = (this.tokens ?? 0) + tokens
  }

  entry(outcome: RequestOutcome): AccessEntry {
    const now = performance.now()
    const sentAt = this.#sentAt
    const answeredAt = this.#answeredAt
    return {
      id: this.id,
      at: this.#at,
      method: this.method,
      path: this.path,
      upstream: this.upstream,
      status: this.status,
      outcome,
      ...(this.refusal !== undefined && { refusal: this.refusal }),
      keyId: this.keyId,
      customer: this.customer,
      model: this.model,
      ms: now - this.#began,
      ...(sentAt !== undefined && { beforeMs: sentAt - this.#began }),
      ...(sentAt !== undefined &&
        answeredAt !== undefined && {
          firstByteMs: answeredAt - sentAt,
          upstreamMs: now - answeredAt,
        }),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      ...(this.tokens !== undefined && { tokens: this.tokens }),
      ...(this.isUnmetered && { unmetered: true as const }),
    }
  }
}
