/**
 * UTF-8 bytes of a text, of those that JSON escapes with the backslash.
 * @param weights of each byte: `plain` for text, `escaped` where `\u4e2d` may stand for a letter.
 */
export function textBytes(text: string, weights: Uint8Array): number {
  if (text.length <= shortText) {
    let bytes = 0
    let index = 0
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) break
      bytes += weights[code] as number
    }
    if (index === text.length) return bytes
  }
  let bytes = 0
  // A pair of surrogates that a piece ends in the middle of counts as two letters, which is more.
  for (let start = 0; start < text.length; start += pieceLength) {
    const piece = text.length <= pieceLength ? text : text.slice(start, start + pieceLength)
    const { written } = encoder.encodeInto(piece, scratch)
    for (let index = 0; index < written; index++)
      bytes += weights[scratch[index] as number] as number
  }
  return bytes
}

/** What is read letter by letter: for more, an encoder of the runtime is faster. */
const shortText = 40
const pieceLength = 0x4000
const encoder = new TextEncoder()
const scratch = new Uint8Array(3 * pieceLength)

function weights(ofLead: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 0x100 }, (_, byte) => {
    if (byte >= 0x80) return ofLead(byte)
    if (byte === 0x22 || byte === 0x5c || byte === 9 || byte === 10 || byte === 13) return 2
    return byte < 0x20 || byte === 0x7f ? 6 : 1
  })
}

export const plain = weights(() => 1)
/** `\u` and four digits for each unit of UTF-16: all of it stands at the first byte of a letter. */
export const escaped = weights((byte) => (byte < 0xc0 ? 0 : byte < 0xf0 ? 6 : 12))
