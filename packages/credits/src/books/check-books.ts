import { freeOf } from './drawing.ts'
import type { AccountRow, EntryRow, GrantRow, HoldRow, PoolRow } from './rows.ts'

/** Everything that is written of some accounts. */
export interface AllRows {
  readonly accounts: readonly AccountRow[]
  readonly pools: readonly PoolRow[]
  readonly grants: readonly GrantRow[]
  readonly holds: readonly HoldRow[]
  readonly entries: readonly EntryRow[]
}

/** What is wrong with the books, one line each; empty where they balance. */
export function bookProblems({
  accounts,
  pools,
  grants,
  holds,
  entries,
}: AllRows): readonly string[] {
  const problems: string[] = []
  const expect = (what: string, is: bigint, should: bigint) => {
    if (is !== should) problems.push(`${what} is ${is}, and should be ${should}`)
  }
  for (const account of accounts) {
    const of = `account ${account.id}:`
    const own = grants.filter((grant) => grant.account === account.id)
    const counted = own.filter(({ state }) => state === 'active' || state === 'expired')
    const open = holds.filter((hold) => hold.account === account.id && hold.state === 'open')
    const written = entries.filter((entry) => entry.account === account.id)
    const left = sum(counted.map(({ remaining }) => remaining))
    const debt = -sum(written.filter(({ grant }) => grant === null).map(({ amount }) => amount))
    expect(`${of} posted`, account.posted, sum(written.map(({ amount }) => amount)))
    expect(`${of} what remains, less debt,`, left - account.debt, account.posted)
    expect(`${of} debt`, account.debt, debt)
    expect(`${of} held`, account.held, sum(open.map(({ amount }) => amount)))
    const allocated = open.flatMap(({ allocation }) => allocation)
    expect(`${of} what is allocated`, sum(allocated.map(([, amount]) => amount)), account.held)
    for (const grant of own) {
      const held = allocated.filter(([id]) => id === grant.id).map(([, amount]) => amount)
      expect(`${of} what grant ${grant.id} has held`, grant.held, sum(held))
      const mine = written.filter((entry) => entry.grant === grant.id)
      const isCounted = grant.state === 'active' || grant.state === 'expired'
      const remaining = isCounted ? grant.remaining : 0n
      expect(`${of} grant ${grant.id}`, remaining, sum(mine.map(({ amount }) => amount)))
      if (grant.remaining < grant.held || grant.held < 0n || grant.remaining > grant.amount) {
        problems.push(`${of} grant ${grant.id} has ${grant.remaining}, of which ${grant.held} held`)
      }
      if (grant.state === 'active' && account.debt > 0n && freeOf(grant) > 0n) {
        problems.push(`${of} debt of ${account.debt} beside what grant ${grant.id} has free`)
      }
    }
    if (account.debt < 0n) problems.push(`${of} debt of ${account.debt}`)
  }
  for (const { pool, period, held, spent } of pools) {
    const own = holds.filter((hold) => hold.pools.some(([a, b]) => a === pool && b === period))
    const open = own.filter(({ state }) => state === 'open').map(({ amount }) => amount)
    const ids = new Set(own.map(({ id }) => id))
    expect(`pool ${pool} ${period}: held`, held, sum(open))
    expect(`pool ${pool} ${period}: spent`, spent, spentBy(entries, ids))
  }
  return problems
}

/** What holds came to, whatever it was taken from: what was taken back is not spent. */
function spentBy(entries: readonly EntryRow[], holds: ReadonlySet<string>): bigint {
  const records = new Set<string>()
  let spent = 0n
  for (const { kind, hold, record, amount, key } of entries) {
    const isOfHold = hold !== null && holds.has(hold)
    if (isOfHold && record !== null) records.add(record)
    const isUse = kind === 'usage' || kind === 'lease'
    const isBack = kind === 'reversal' && /^reversal:(?:usage|lease):/.test(key)
    if (isUse && isOfHold) spent -= amount
    else if (isBack && (isOfHold || (record !== null && records.has(record)))) spent -= amount
  }
  return spent
}

/** @throws Error with what is wrong. */
export function assertBalanced(all: AllRows): void {
  const problems = bookProblems(all)
  if (problems.length > 0) throw new Error(`The books do not balance: ${problems.join('; ')}`)
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
