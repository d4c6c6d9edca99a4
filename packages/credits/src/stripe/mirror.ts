/**
 * Grants of accounts that Stripe bills (`collect: 'mirror'`) are credit grants there too, each once:
 * Stripe draws them from the invoice, as the books do call by call. What is to be done stands in the
 * books, in the transaction of the grant: a process that is killed leaves it to the next one.
 */
import type Stripe from 'stripe'
import { mirroredId } from '../books/objects.ts'
import type { BookRows } from '../books/rows.ts'
import { checkedMirror, type MirrorOptions, type MirrorSettings } from './mirror-options.ts'
import { requestFor } from './request.ts'
import {
  grantKey,
  grantMetadata,
  type MirroredGrant,
  readMirrored,
  saveMirrored,
  wantedCents,
} from './mirrored-grant.ts'

/** What came of looking once. */
export interface Mirroring {
  /** Credit grants that were made at Stripe. */
  readonly created: number
  /** Those that were ended there: what was revoked. */
  readonly ended: number
  /** Grants that Stripe would not take, or was not reached for. */
  readonly failed: number
}

/** Keeps Stripe's credit grants as the books have them. Made by `mirrorGrants`. */
export interface GrantMirror {
  /** Does what there is to do now. Done by itself when something is granted, and regularly. */
  sync(): Promise<Mirroring>
  /** Does nothing by itself any more. */
  close(): void
}

/** As many at a time. */
const batch = 100

/**
 * Makes a credit grant at Stripe of each grant of an account with `collect: 'mirror'`: with its
 * priority, its times and its category, in US dollars, which the customer's invoices have to be in.
 * What is revoked is ended there, and what is left of it made anew.
 * @throws ConfigError when an option is wrong or missing, and for a sink that does not bill by cost.
 */
export function mirrorGrants(options: MirrorOptions): GrantMirror {
  const settings = checkedMirror(options)
  const { credits, pollMs, warn } = settings
  let running: Promise<Mirroring> | undefined
  let isAskedAgain = false

  async function sync(): Promise<Mirroring> {
    const sums = { created: 0, ended: 0, failed: 0 }
    for (;;) {
      const all = await waiting(settings)
      let done = 0
      for (const one of all) {
        try {
          const { created, ended } = await mirrorOne(settings, one)
          sums.created += created
          sums.ended += ended
          done++
        } catch (error) {
          sums.failed++
          warn(
            `The grant ${one.grant.id} of ${one.account.customer} is not at Stripe as it should be; it is tried again: ${readable(error)}`,
          )
        }
      }
      if (all.length < batch || done === 0) return sums
    }
  }

  /** One at a time in a process. What comes meanwhile is looked for once more. */
  const once = (): Promise<Mirroring> => {
    if (running !== undefined) {
      isAskedAgain = true
      return running.then(() => (isAskedAgain ? once() : (running ?? sync())))
    }
    isAskedAgain = false
    running = sync().finally(() => (running = undefined))
    return running
  }
  const inBackground = () =>
    void once().catch((error: unknown) =>
      warn(`Grants could not be mirrored to Stripe; it is tried again: ${readable(error)}`),
    )
  const stopListening = credits.on('granted', inBackground)
  const timer = setInterval(inBackground, pollMs)
  ;(timer as { unref?: () => void }).unref?.()
  return {
    sync: once,
    close() {
      stopListening()
      clearInterval(timer)
    },
  }
}

/** Grants that Stripe does not have, and those that changed since. */
async function waiting({ credits, inside }: MirrorSettings): Promise<readonly MirroredGrant[]> {
  const fresh = await credits.unmirrored(batch)
  const { books, now } = inside
  const of = (rows: BookRows, customer: string, unit: 'usd' | 'tokens', id: string) => {
    const account = rows.account({ customer, unit, stripeAccount: '' })
    if (account === undefined) return []
    const one = readMirrored(rows, account, Number(id))
    // Another process has made it since: what it has done is nothing that changed.
    const isMade = one.row?.state.id !== undefined && one.row.dueAt === null
    return isMade ? [] : [one]
  }
  const found: MirroredGrant[] = []
  for (const { id, customer, unit } of fresh) {
    if (unit !== 'usd') continue
    found.push(...(await books.read((rows) => of(rows, customer, unit, id))))
  }
  const changed = await books.read((rows) =>
    rows.objects
      .due('mirror', now(), batch)
      .map(({ account, id }) => readMirrored(rows, rows.accountById(account), mirroredId(id))),
  )
  const ids = new Set(found.map(({ grant }) => grant.id))
  return [...found, ...changed.filter(({ grant }) => !ids.has(grant.id))]
}

async function mirrorOne(
  settings: MirrorSettings,
  one: MirroredGrant,
): Promise<Pick<Mirroring, 'created' | 'ended'>> {
  const state = one.row?.state ?? {}
  const isKnown = state.id !== undefined && state.id !== 'none'
  const { number = 0, drawn = 0 } = state
  const others = { created: 0, ended: 0 }
  if (!isKnown && one.row === undefined) {
    if (!(await begin(settings, one, {}, null))) return others
  }
  let ended = 0
  let drawnBefore = drawn
  let next = number
  if (isKnown || state.isEnding === true) {
    if (state.isEnding !== true) {
      const ending = { ...state, isEnding: true }
      if (!(await begin(settings, one, ending, one.row?.dueAt ?? null))) return others
    }
    const drawnNow = isKnown ? await endAtStripe(settings, one.account, state.id ?? '') : 0
    drawnBefore += drawnNow
    ended = 1
    next = number + 1
  } else if (state.id === 'none') next = number + 1
  const cents = wantedCents(one.grant) - drawnBefore
  const isOver = one.grant.state === 'expired' || one.grant.state === 'voided'
  // What a reversal gave back was never drawn at Stripe.
  const isReversal = one.grant.source?.startsWith('reversal:') === true
  const isMade = cents > 0 && !isOver && !isReversal
  const id = isMade ? await createAtStripe(settings, one, { cents, number: next }) : 'none'
  const reached = { id, number: next, drawn: drawnBefore }
  await save(settings, one, reached)
  return { created: isMade ? 1 : 0, ended }
}

/** Notes what is begun; false where another process has noted something since it was read. */
async function begin(
  { inside }: MirrorSettings,
  one: MirroredGrant,
  state: MirrorState,
  dueAt: number | null,
): Promise<boolean> {
  return inside.books.write(
    (rows) => {
      const current = readMirrored(rows, rows.accountById(one.account.id), one.grant.id)
      if (current.row?.version !== one.row?.version) return false
      saveMirrored(rows, current, state, { dueAt, at: inside.now() })
      return true
    },
    { customers: [one.account.customer] },
  )
}

type MirrorState = NonNullable<MirroredGrant['row']>['state']

/** Unless it changed again meanwhile: then it is due still. */
async function save(
  { inside }: MirrorSettings,
  one: MirroredGrant,
  state: MirrorState,
): Promise<void> {
  const at = inside.now()
  await inside.books.write(
    (rows) => {
      const current = readMirrored(rows, rows.accountById(one.account.id), one.grant.id)
      const isSame = current.grant.revoked === one.grant.revoked
      saveMirrored(rows, current, state, { dueAt: isSame ? null : at, at })
    },
    { customers: [one.account.customer] },
  )
}

async function createAtStripe(
  { stripe, customerOf, scope, planGraceMs, inside }: MirrorSettings,
  one: MirroredGrant,
  { cents, number }: { readonly cents: number; readonly number: number },
): Promise<string> {
  const { account, grant, row } = one
  const customer = await customerOf(account.customer)
  const own = `${await grantKey(one)}:${number}`
  const of = requestFor(account.stripeAccount)
  if (row !== undefined) {
    // It was begun before, perhaps longer ago than Stripe remembers the key of a request.
    for await (const { id, metadata } of stripe.billing.creditGrants.list(
      { customer, limit: 100 },
      of,
    )) {
      if (metadata[grantMetadata] === own) return id
    }
  }
  const { kind, priority, effectiveAt, expiresAt, createdAt } = grant
  const graceMs = kind === 'plan' ? planGraceMs : 0
  const isLater = effectiveAt > createdAt && effectiveAt > inside.now()
  const params: Stripe.Billing.CreditGrantCreateParams = {
    customer,
    amount: { type: 'monetary', monetary: { currency: 'usd', value: cents } },
    applicability_config: { scope },
    category: kind === 'paid' ? 'paid' : 'promotional',
    priority,
    metadata: { [grantMetadata]: own },
    ...(isLater && { effective_at: Math.floor(effectiveAt / 1000) }),
    ...(expiresAt !== null && { expires_at: Math.ceil((expiresAt + graceMs) / 1000) }),
  }
  const idempotencyKey = `token-meter:grant:${own}:${cents}`
  const { id } = await stripe.billing.creditGrants.create(params, { ...of, idempotencyKey })
  return id
}

/** Ends a credit grant, and returns how many cents of it were drawn. */
async function endAtStripe(
  { stripe, inside }: MirrorSettings,
  { stripeAccount }: MirroredGrant['account'],
  id: string,
): Promise<number> {
  const of = requestFor(stripeAccount)
  const { creditGrants, creditBalanceTransactions } = stripe.billing
  const drawn = async () => {
    let sum = 0
    for await (const { debit, credit } of creditBalanceTransactions.list(
      { credit_grant: id, limit: 100 },
      of,
    )) {
      if (debit?.type === 'credits_applied') sum += debit.amount.monetary?.value ?? 0
      if (credit?.type === 'credits_application_invoice_voided') {
        sum -= credit.amount.monetary?.value ?? 0
      }
    }
    return sum
  }
  const { voided_at: voided, expires_at: expires } = await creditGrants.retrieve(id, {}, of)
  const isOver = voided !== null || (expires !== null && expires * 1000 <= inside.now())
  if (!isOver) {
    // What was drawn from cannot be void.
    if ((await drawn()) === 0) await creditGrants.voidGrant(id, {}, of)
    else await creditGrants.expire(id, {}, of)
  }
  return drawn()
}

function readable(error: unknown): string {
  const { message } = error as Error
  return String(message ?? error).replace(/\b(?:sk|rk|pk|whsec)_[\w*]+/g, '[key]')
}
