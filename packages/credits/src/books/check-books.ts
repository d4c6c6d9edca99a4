import { freeOf } from './drawing.ts'
import type { AccountRow, EndedHold, EntryRow, GrantRow, HoldRow, PoolRow } from './rows.ts'

/** Everything that is written of some accounts. */
export interface AllRows {
  readonly accounts: readonly AccountRow[]
  readonly pools: readonly PoolRow[]
  readonly grants: readonly GrantRow[]
  readonly holds: readonly HoldRow[]
  readonly endedHolds: readonly EndedHold[]
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
    const open = holds.filter((hold) => hold.account === account.id)
    const written = entries.filter((entry) => entry.account === account.id)
    const left = sum(counted.map(({ remaining }) => remaining))
    const posted = sum(written.map(({ amount }) => amount))
    const debt = -sum(written.filter(({ grant }) => grant === null).map(({ amount }) => amount))
    const last = written.at(-1)?.id ?? 0
    expect(`${of} what remains, less debt,`, left - account.debt, posted)
    expect(`${of} debt`, account.debt, debt)
    expect(`${of} the last entry`, BigInt(account.lastEntry), BigInt(last))
    const allocated = open.flatMap(({ allocation }) => allocation)
    const held = sum(allocated.map(([, amount]) => amount))
    expect(`${of} what grants have held`, sum(own.map((grant) => grant.held)), held)
    for (const { id, amount, allocation } of open) {
      const has = sum(allocation.map(([, part]) => part))
      // Of a mirrored account more may be held than it has credit.
      const isRight = account.collect === 'mirror' ? has <= amount : has === amount
      if (!isRight) problems.push(`${of} hold ${id} of ${amount} has ${has} set aside`)
    }
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
      if (grant.state === 'expired' && freeOf(grant) !== 0n) {
        problems.push(`${of} grant ${grant.id} is over, and has ${freeOf(grant)} free`)
      }
      if (grant.state === 'active' && account.debt > 0n && freeOf(grant) > 0n) {
        problems.push(`${of} debt of ${account.debt} beside what grant ${grant.id} has free`)
      }
    }
    if (account.debt < 0n) problems.push(`${of} debt of ${account.debt}`)
  }
  for (const { pool, period, held, spent } of pools) {
    const isIn = ({ pools }: Pick<EntryRow, 'pools'>) =>
      (pools ?? []).some(([a, b]) => a === pool && b === period)
    const open = holds.filter(isIn)
    const of = `pool ${pool} ${period}:`
    expect(`${of} held`, held, sum(open.map(({ amount }) => amount)))
    // What was taken back is not spent.
    expect(`${of} spent`, spent, -sum(entries.filter(isIn).map(({ amount }) => amount)))
  }
  return problems
}

/** @throws Error with what is wrong. */
export function assertBalanced(all: AllRows): void {
  const problems = bookProblems(all)
  if (problems.length > 0) throw new Error(`The books do not balance: ${problems.join('; ')}`)
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
