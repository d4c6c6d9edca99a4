/** Beyond so many characters a line is no event that anybody would send: it is passed over, not kept. */
export const longestLine = 32 * 2 ** 20

/** Who is shown the lines of a body. */
export interface LineWatch {
  /** A line without its end, and without the mark that `application/json-seq` puts before one. */
  line(text: string): void
  /** A line was too long to be kept. */
  tooLong(): void
}

/**
 * Cuts the bytes of a body into lines, wherever their pieces begin and end. Of what it has shown it keeps
 * nothing, and what is left of a line it does not copy again with every piece.
 */
export class Lines {
  readonly #decoder = new TextDecoder()
  readonly #watch: LineWatch
  readonly #longest: number
  #rest: string[] = []
  #length = 0

  constructor(watch: LineWatch, longest = longestLine) {
    this.#watch = watch
    this.#longest = longest
  }

  push(piece: Uint8Array): void {
    this.#see(this.#decoder.decode(piece, { stream: true }))
  }

  /** The last line need not have an end. */
  flush(): void {
    this.#see(this.#decoder.decode())
    if (this.#length > 0) this.#end('')
  }

  #see(text: string): void {
    let start = 0
    for (;;) {
      const end = text.indexOf('\n', start)
      if (end < 0) break
      this.#end(text.slice(start, end))
      start = end + 1
    }
    if (start < text.length) this.#keep(text.slice(start))
  }

  #keep(text: string): void {
    this.#length += text.length
    if (this.#length > this.#longest) this.#rest = []
    else this.#rest.push(text)
  }

  #end(text: string): void {
    this.#keep(text)
    const isTooLong = this.#length > this.#longest
    const line = this.#rest.length === 1 ? (this.#rest[0] as string) : this.#rest.join('')
    this.#rest = []
    this.#length = 0
    if (isTooLong) return this.#watch.tooLong()
    const from = line.startsWith('\u001E') ? 1 : 0
    this.#watch.line(line.slice(from, line.endsWith('\r') ? -1 : undefined))
  }
}
