/** Reads an answer for what it used, and for what was made by it, while its bytes go on. */
import { type BodyObserver, observeBody } from '@token-meter/core/adapter'
import type { AnswerHead, RelayOptions } from './relay-options.ts'
import { type PieceDecoder, pieceDecoder } from './side-copy.ts'

export class AnswerReader {
  readonly #options: Pick<RelayOptions, 'call' | 'watch'>
  #observer: BodyObserver | undefined
  #decoder: PieceDecoder | undefined
  isEvents = false

  constructor(options: Pick<RelayOptions, 'call' | 'watch'>) {
    this.#options = options
  }

  /** @param stopped called where a guard ends the stream, as long as `reading` lives. */
  open({ status, headers, isBodyless }: AnswerHead, reading: object, stopped: () => void): void {
    const { call, watch } = this.#options
    const isAnswer = status >= 200 && status < 300 && !isBodyless
    const type = headers.get('content-type') ?? ''
    this.isEvents = type.toLowerCase().includes('text/event-stream')
    if (call === undefined && watch === undefined) return
    // What an error says is none, and is not billed.
    if (!isAnswer) return call?.dismiss()
    const encoding = headers.get('content-encoding')
    const decoder = pieceDecoder(encoding)
    if (call !== undefined) {
      call.headers = headers
      if (decoder === 'unknown') {
        call.report(`an answer is encoded as ${encoding ?? ''}, which cannot be read`)
        return call.abandon()
      }
      this.#observer = observeBody(call, type)
      this.#observer.whenStopped?.(reading, stopped)
    }
    if (decoder !== 'unknown') this.#decoder = decoder
  }

  /** Something is done once the body has come whole, before its last byte goes out. */
  get isAccounted(): boolean {
    return this.#observer !== undefined || this.#options.watch !== undefined
  }

  /** The caller gets other bytes than came. */
  get rewrites(): boolean {
    return this.#observer?.rewrites === true
  }

  /** The bytes that the caller gets are those of an encoding. */
  get passesEncoded(): boolean {
    return this.#decoder !== undefined && !this.rewrites
  }

  get awaitsUsage(): boolean {
    return this.#observer?.awaitsUsage === true
  }

  get stopReason(): unknown {
    return this.#observer?.stopped?.reason
  }

  /** Once it is known what the answer used: resolves when that is kept. */
  get stored(): Promise<void> | undefined {
    return this.#observer?.isOver === true ? this.#options.call?.stored : undefined
  }

  /** @returns what the caller gets of it. */
  read(piece: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return this.#decoder === undefined ? this.#seen(piece) : this.#decoded(this.#decoder, piece)
  }

  async #decoded(decoder: PieceDecoder, piece: Uint8Array): Promise<Uint8Array> {
    const { rewrites } = this
    const shown: Uint8Array[] = []
    try {
      for (const decoded of await decoder.decode(piece)) shown.push(this.#seen(decoded))
    } catch (cause) {
      // Nobody knows what of it is the caller's to see.
      if (rewrites) throw cause
      this.#unreadable()
    }
    return rewrites ? Buffer.concat(shown) : piece
  }

  /** The whole body has come. @returns the last that the caller gets. */
  async finish(): Promise<Uint8Array> {
    const shown: Uint8Array[] = []
    const { rewrites } = this
    try {
      for (const piece of (await this.#decoder?.finish()) ?? []) shown.push(this.#seen(piece))
    } catch (cause) {
      if (rewrites) throw cause
      this.#unreadable()
    }
    const last = this.#observer?.finish()
    return rewrites && last !== undefined ? Buffer.concat([...shown, last]) : nothing
  }

  /** What was seen is recorded. */
  interrupt(): void {
    this.#observer?.interrupt()
  }

  close(): void {
    this.#decoder?.close()
  }

  #seen(piece: Uint8Array): Uint8Array {
    this.#options.watch?.push(piece)
    return this.#observer?.push(piece) ?? piece
  }

  /** It is not encoded as it says: what was seen stands, and the bytes go on. */
  #unreadable(): void {
    this.#options.call?.report('an answer is not encoded as its headers say, and was not read on')
    this.#observer?.interrupt()
    this.#observer = undefined
    this.#decoder?.close()
    this.#decoder = undefined
  }
}

const nothing = new Uint8Array(0)
