type Bytes = Uint8Array

/** Node's, which takes any view of bytes. Not every runtime has it. */
const { latin1Slice } = (globalThis as { Buffer?: { prototype: { latin1Slice?: LatinSlice } } })
  .Buffer?.prototype ?? { latin1Slice: undefined }
type LatinSlice = (this: Bytes, start: number, end: number) => string

const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder()

/**
 * Bytes as text with one character for each, so that a place in it is a place in the bytes. ASCII stands
 * for itself, and two bytes that differ have characters that differ: all that it is good for is to search
 * and to compare, which with bytes takes many times as long.
 */
export function byteText(bytes: Bytes, start = 0, end = bytes.length): string {
  return latin1Slice === undefined
    ? latin1.decode(bytes.subarray(start, end))
    : latin1Slice.call(bytes, start, end)
}

/** What bytes say. */
export function utf8Text(bytes: Bytes, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end))
}
