/** Stripe's notifications have less than a thousandth of it. */
const longestBytes = 1024 * 1024

/**
 * The body of a request as text; `undefined` for one of more than a MiB, of which no more is kept: an
 * endpoint takes requests of anybody until their signature is checked.
 */
export async function bodyText(request: Request): Promise<string | undefined> {
  if (!request.body) return request.text()
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  // No `for await`: not every runtime can iterate over a stream.
  for (;;) {
    const chunk = await reader.read()
    if (chunk.done) break
    length += chunk.value.byteLength
    if (length > longestBytes) {
      await reader.cancel().catch(() => {})
      return undefined
    }
    chunks.push(chunk.value)
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return new TextDecoder().decode(bytes)
}
