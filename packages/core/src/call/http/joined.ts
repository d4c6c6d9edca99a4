const empty: Uint8Array = new Uint8Array(0)

/** Pieces as one: the piece itself where only one has any bytes. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const parts = pieces.filter(({ length }) => length > 0)
  if (parts.length < 2) return parts[0] ?? empty
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** A copy of some bytes. Not by their own `slice`, which is none in a `Buffer`. */
export function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end)
}
