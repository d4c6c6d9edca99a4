/**
 * A call that credit is held for. Who sends it says what became of it, once:
 *
 *     held ── settled ──> its records end the hold, in the append that keeps them
 *          ├─ release ──> given back: it was not sent, or nothing is billed
 *          ├─ lost ─────> stands until its lease is over, and is charged for its input then
 *          └─ keep ─────> stands for as long as the work that the call has started, then one of these
 */
import type { Admission } from '@token-meter/core'
import type { Unit } from '../amount.ts'
import type { Refused } from '../books/held.ts'
import { keepForJob, raise, refusalOf, release } from '../books/holds.ts'
import { due } from '../books/operations.ts'
import type { AccountRow, BookRows, HoldRow } from '../books/rows.ts'
import { CreditsUnavailableError } from '../errors.ts'
import type { AskedCall, GuardContext, HeldPart } from './asked-call.ts'
import type { Leases, LiveHolds } from './leases.ts'
import type { GuardSettings } from './options.ts'

/** Into how many steps `defaultMaxOutput` is divided where more is held as a stream goes on. */
const stepsPerDefault = 4
const leastStep = 64

export class HeldCall implements Admission, LiveHolds {
  readonly holdIds: readonly string[]
  readonly progress?: (outputTokens: number) => undefined | Promise<void>
  leaseUntil: number
  readonly #asked: AskedCall
  readonly #parts: readonly HeldPart[]
  readonly #leases: Leases
  readonly #context: GuardContext
  readonly #settings: GuardSettings
  #hasEnded = false
  /** Of all answers, in tokens. */
  #heldOutput: number
  #raising: Promise<void> | undefined

  constructor(
    asked: AskedCall,
    parts: readonly HeldPart[],
    leases: Leases,
    context: GuardContext,
    settings: GuardSettings,
  ) {
    const { isCapped, output, answers, modelMax } = asked.size
    this.#asked = asked
    this.#parts = parts
    this.#leases = leases
    this.#context = context
    this.#settings = settings
    this.holdIds = parts.map(({ id }) => id)
    this.leaseUntil = context.now() + settings.leaseMs
    this.#heldOutput = output * answers
    // What caps its output was held for to the end.
    const canGrow = !isCapped && output < (modelMax ?? Infinity)
    if (settings.onExhausted === 'extend' && canGrow) this.progress = (seen) => this.#extend(seen)
    leases.add(this)
  }

  settled(): void {
    this.#end()
  }

  release(): void {
    if (!this.#end()) return
    const ids = this.holdIds
    this.#leases.end(ids, (rows, act) => ids.forEach((id) => release(rows, id, act)), 'given back')
  }

  lost(): void {
    this.#end()
  }

  keep({ name, forMs }: { readonly name: string; readonly forMs: number }): void {
    if (this.#hasEnded) return
    const until = this.#context.now() + forMs
    const keep = (rows: BookRows) => this.holdIds.forEach((id) => keepForJob(rows, id, name, until))
    // Renewed until it stands for that long.
    this.#leases.end(this.holdIds, keep, 'kept for its job', () => this.#leases.remove(this))
  }

  #end(): boolean {
    if (this.#hasEnded) return false
    this.#hasEnded = true
    this.#leases.remove(this)
    return true
  }

  #extend(seen: number): undefined | Promise<void> {
    if (this.#raising !== undefined) return this.#raising
    const step = Math.max(leastStep, Math.ceil(this.#settings.defaultMaxOutput / stepsPerDefault))
    if (this.#hasEnded || seen + step / 2 < this.#heldOutput) return undefined
    const { modelMax = Infinity, answers } = this.#asked.size
    const to = Math.min(Math.max(this.#heldOutput, Math.ceil(seen)) + step, modelMax * answers)
    if (to <= this.#heldOutput) return undefined
    this.#raising = this.#raiseTo(to).finally(() => void (this.#raising = undefined))
    return this.#raising
  }

  async #raiseTo(output: number): Promise<void> {
    const { books, events, now } = this.#context
    const { holdTimeoutMs, onStoreError } = this.#settings
    let refused: Shortfall | undefined
    try {
      const hint = { holds: this.holdIds }
      refused = await books.write((rows) => this.#raise(rows, output, now()), hint, holdTimeoutMs)
    } catch (cause) {
      const told = 'no more could be held for a stream that writes more than was held for it'
      const error = new CreditsUnavailableError(told, { cause })
      if (onStoreError === 'refuse') throw error
      events.fault(error)
      return
    }
    if (refused !== undefined) throw this.#asked.shortage(refused.unit, refused.refused, refused.by)
    this.#heldOutput = output
  }

  /** Inside a transaction: all of it or nothing. */
  #raise(rows: BookRows, output: number, at: number): Shortfall | undefined {
    const wanted: { held: HoldRow; by: bigint }[] = []
    for (const { id, unit, limits } of this.#parts) {
      const held = rows.hold(id)
      // Its lease was over, in a process that stood still: its records are charged as they come.
      if (held === undefined) continue
      const by = (this.#asked.amountOf(unit, output) ?? 0n) - held.amount
      if (by <= 0n) continue
      const account: AccountRow = rows.accountById(held.account)
      const act = { actor: 'guard', at }
      due(rows, account, act)
      const refused = refusalOf(rows, account, by, limits, act)
      if (refused !== undefined) return { unit, refused, by }
      wanted.push({ held, by })
    }
    for (const { held, by } of wanted) raise(rows, held, by)
    return undefined
  }
}

interface Shortfall {
  readonly unit: Unit
  readonly refused: Refused
  /** What was to be held beyond what is. */
  readonly by: bigint
}
