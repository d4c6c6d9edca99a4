/**
 * The guard of `createMeter({ guard })`: what a call can come to at the most is held before it is sent.
 *
 *     admit ── all accounts and pools have it ──> held: a HeldCall (`held-call.ts`)
 *           ├─ one of them has not ────────────> InsufficientCreditsError
 *           ├─ nobody can say what to hold ────> CallRefusedError
 *           └─ the books cannot be asked ──────> CreditsUnavailableError, or the call goes without a hold
 *
 * A customer can have an account in dollars and one in tokens, and a record is charged to both: so both
 * hold what they would be charged, each with the pools of its unit, in one transaction.
 */
import type { Admission, Guard, GuardedCall } from '@token-meter/core'
import { isBusy } from '../busy.ts'
import { release } from '../books/holds.ts'
import type { Act } from '../books/operations.ts'
import { lostFile } from '../books/lost-books.ts'
import type { BookRows } from '../books/rows.ts'
import { CallRefusedError, CreditsUnavailableError } from '../errors.ts'
import { AskedCall, type GuardContext, type Outcome } from './asked-call.ts'
import { HeldCall } from './held-call.ts'
import { Leases } from './leases.ts'
import { type GuardOptions, guardSettings } from './options.ts'

/** @throws ConfigError for a wrong option. */
export function createGuard(context: GuardContext, options: GuardOptions = {}): Guard {
  const settings = guardSettings(options)
  const { outbox, books, pools, events, now } = context
  const leases = new Leases({ books, events, now, leaseMs: settings.leaseMs })

  function admit(call: GuardedCall): Admission | undefined | Promise<Admission | undefined> {
    if (call.isLinked) return undefined
    const { customer } = call
    if (customer === null) {
      if (settings.unknownCustomer === 'allow' && call.pools.length === 0) return undefined
      throw new CallRefusedError(
        `nobody is named who pays for this call of ${call.call.endpoint}: name one by meter(client, customer) or withCustomer(), or make the guard with unknownCustomer: 'allow'`,
        { reason: 'unattributed', customer },
      )
    }
    const named = pools.find(call.pools, customer)
    const asked = new AskedCall(call, customer, named, context, settings)
    const work = (rows: BookRows) => asked.hold(rows)
    if (books.writeNow === undefined) return held(asked, work)
    let outcome: Outcome
    try {
      outcome = books.writeNow(work)
    } catch (cause) {
      if (isBusy(cause)) return held(asked, work)
      return unavailable(call, cause)
    }
    return answered(asked, outcome)
  }

  async function held(
    asked: AskedCall,
    work: (rows: BookRows) => Outcome,
  ): Promise<Admission | undefined> {
    const { holdTimeoutMs } = settings
    let outcome: Outcome
    try {
      const asking = books.write(work, asked.hint(), holdTimeoutMs)
      const isLocal = books.writeNow !== undefined
      outcome = await (isLocal ? asking : within(holdTimeoutMs, asking, giveBackLate))
    } catch (cause) {
      return unavailable(asked.call, cause)
    }
    return answered(asked, outcome)
  }

  /** @throws the refusal of a call that is not held. */
  function answered(asked: AskedCall, outcome: Outcome): Admission | undefined {
    if (outcome.state === 'held') {
      return new HeldCall(asked, outcome.parts, leases, context, settings)
    }
    if (outcome.state === 'lost') return unavailable(asked.call, new Error(lostFile))
    const isLetGo = outcome.state === 'no-account' && settings.unknownCustomer === 'allow'
    // A pool can only count what is held of an account.
    if (isLetGo && asked.call.pools.length === 0) return undefined
    throw asked.refusal(outcome)
  }

  /** The hold was made after its call had been given up. */
  function giveBackLate(outcome: Outcome): void {
    if (outcome.state !== 'held') return
    const ids = outcome.parts.map(({ id }) => id)
    leases.end(ids, (rows, act) => ids.forEach((id) => release(rows, id, act)), 'given back')
  }

  function unavailable(call: GuardedCall, cause: unknown): undefined {
    const { endpoint } = call.call
    if (settings.onStoreError === 'refuse') {
      throw new CreditsUnavailableError(
        `the books of credits cannot be asked, so that this call of ${endpoint} is not sent: try again later, or make the guard with onStoreError: 'allow'`,
        { cause },
      )
    }
    const told = `the books of credits cannot be asked: a call of ${endpoint} was let go with nothing held, and is charged once its record is in them`
    events.fault(new CreditsUnavailableError(told, { cause }))
    return undefined
  }

  /** Work of which nothing was used: what is held for it is given back. */
  function ended({ name }: { readonly name: string }): void {
    const giveBack = (rows: BookRows, act: Act) => {
      for (const held of rows.holdsOfJob(name)) release(rows, held.id, act)
    }
    leases.end([], giveBack, 'given back')
  }

  return { outbox, admit, ended }
}

/**
 * A value that is waited for so long.
 * @param late given the value that comes after that.
 */
function within<Value>(
  ms: number,
  asking: Promise<Value>,
  late: (value: Value) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(new Error(`they have not answered for ${ms} ms`))
    }, ms)
    asking.then(
      (value) => {
        clearTimeout(timer)
        if (isLate) late(value)
        else resolve(value)
      },
      (cause: unknown) => {
        clearTimeout(timer)
        reject(cause as Error)
      },
    )
  })
}
