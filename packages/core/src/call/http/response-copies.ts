import type { BodyObserver } from './body-observer.ts'
import type { ObservedCall } from '../observed-call.ts'
import type { ResponseWatcher } from '../registry.ts'

/** What the copies of one raw response have in common. */
interface ResponseCopies {
  readonly call: ObservedCall
  /** How many copies can still be read to their end. */
  open: number
  /** Settles the call with what the copy that was read furthest gave before it was left. */
  settle: (() => void) | undefined
  /** How far that one was read, in bytes. */
  readBytes: number
}

/**
 * One copy of a raw response: itself, or a clone. A copy that is read to its end settles the call;
 * one that is left early or dropped does so only when no other copy can be read any more.
 */
export class ResponseCopy implements ResponseWatcher {
  readonly #copies: ResponseCopies
  #isOpen = true

  private constructor(copies: ResponseCopies) {
    this.#copies = copies
    copies.open++
  }

  /** @param settle what settles the call where no copy was ever read. @default abandoning it */
  static first(call: ObservedCall, settle?: () => void): ResponseCopy {
    return new ResponseCopy({ call, open: 0, settle, readBytes: 0 })
  }

  another(): ResponseCopy {
    return new ResponseCopy(this.#copies)
  }

  /** The copy was left while it was read, after so many bytes. */
  interrupt(observer: BodyObserver, readBytes: number): void {
    this.#leave(() => observer.interrupt(), readBytes)
  }

  dropped(): void {
    this.#leave()
  }

  #leave(settle?: () => void, readBytes = 0): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const copies = this.#copies
    if (copies.settle === undefined || readBytes > copies.readBytes) {
      copies.settle = settle ?? copies.settle
      copies.readBytes = readBytes
    }
    if (--copies.open > 0) return
    if (copies.settle === undefined) copies.call.abandon()
    else copies.settle()
  }
}
