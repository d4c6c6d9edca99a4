import type { DatabaseSync } from 'node:sqlite'
import { isProcessGone, thisProcess } from '../process-life.ts'

/** How often the holders of leases are looked up, in ms. */
const pollMs = 1000
/** So far may the clocks of two processes be apart that read the same one, in ms. */
const toleranceMs = 2000
/** A lease of a clock that is so far ahead, in ms, was given by one that was wrong. */
const neverAheadMs = 24 * 60 * 60 * 1000

interface HeldBatch {
  readonly id: string
  readonly lease: string | null
  readonly claimedAt: number
}

/** A new lease, whose text says which process holds it. */
export function newLease(): string {
  const { machine, pid, start } = thisProcess()
  return JSON.stringify([machine, pid, start, crypto.randomUUID()])
}

/**
 * Ends the leases of processes that are gone, so that what a killed process was sending is
 * delivered by the next one at once and not when the lease ends. A process of another machine or
 * container cannot be looked up: its leases end in their own time. Ends also what was put off by a
 * clock that has been set back since, which could be for years.
 */
export function prepareReleaseOfTheDead(database: DatabaseSync): (nowMs: number) => void {
  const held = database.prepare(
    `SELECT id, lease, claimed_at AS claimedAt FROM batches
     WHERE due_at > :nowMs AND (lease IS NOT NULL OR claimed_at > :nowMs + ${toleranceMs})`,
  )
  const end = database.prepare('UPDATE batches SET due_at = ? WHERE id = ? AND lease IS ?')
  let polledAt = Number.NEGATIVE_INFINITY

  return (nowMs) => {
    const at = performance.now()
    if (at - polledAt < pollMs) return
    polledAt = at
    for (const { id, lease, claimedAt } of held.all({ nowMs }) as unknown as readonly HeldBatch[]) {
      const isOver = lease === null || claimedAt > nowMs + neverAheadMs || isHolderGone(lease)
      if (isOver) end.run(nowMs, id, lease)
    }
  }
}

/** True for this machine, where the holder's process can be looked up. */
export function isOfThisMachine(lease: string): boolean {
  const [holderMachine] = JSON.parse(lease) as [string]
  return holderMachine === thisProcess().machine
}

export function isHolderGone(lease: string): boolean {
  const [holderMachine, pid, start] = JSON.parse(lease) as [string, number, string]
  return isProcessGone({ machine: holderMachine, pid, start }) === true
}
