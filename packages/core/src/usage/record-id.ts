import { v5 as hashedUuid } from 'uuid'

const namespace = '5d7c3a52-7d0c-4b0e-9a54-8f4f1d0c6b1e'

/**
 * A new UUIDv7: ordered by time, unique across processes.
 *
 * Made from the runtime's pooled `crypto.randomUUID()`, because this runs inside the caller's LLM
 * call: the `uuid` package's own v7 took 3 to 4 microseconds here, this takes a fifth of one.
 */
export function mintRecordId(nowMs: number): string {
  const time = Math.max(0, Math.trunc(nowMs)).toString(16).padStart(12, '0').slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}

/**
 * The id of a response that can be observed more than once (a background response that is polled):
 * always the same for the same parts, so that seeing it twice bills once. Hashed, so that an id of
 * any length fits the 100 characters of a billing backend.
 */
export function deriveRecordId(...parts: readonly (string | number)[]): string {
  return hashedUuid(JSON.stringify(parts), namespace)
}
