import { v5 as hashedUuid } from 'uuid'

const namespace = '5d7c3a52-7d0c-4b0e-9a54-8f4f1d0c6b1e'

/** The time of an id has 48 bits; the upper 32 of them change once a minute. */
const low16 = 0x1_0000
const high32 = 0x1_0000_0000
let latestHigh = -1
let highText = ''

/**
 * A new UUIDv7: ordered by time, unique across processes. The time is put before the random part of
 * a UUIDv4, of which the runtime keeps a stock: this runs inside the caller's LLM call, and to write
 * 16 bytes down one by one took twice as long.
 * https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function mintRecordId(nowMs: number): string {
  const high = Math.floor(nowMs / low16) % high32
  if (high !== latestHigh) {
    latestHigh = high
    highText = high.toString(16).padStart(8, '0')
  }
  const low = (low16 + Math.floor(nowMs % low16)).toString(16).slice(1)
  return `${highText}-${low}-7${crypto.randomUUID().slice(15)}`
}

/**
 * The id of a response that can be observed more than once (a background response that is polled):
 * always the same for the same parts, so that seeing it twice bills once. Hashed, so that an id of
 * any length fits the 100 characters of a billing backend.
 */
export function deriveRecordId(...parts: readonly (string | number)[]): string {
  return hashedUuid(JSON.stringify(parts), namespace)
}
