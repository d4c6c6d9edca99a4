import type { CompanionStore, Outbox, UsageRecord } from '@token-meter/core/outbox'
import type { MemoryRows } from '../books/memory-rows.ts'
import { mirrorName } from '../books/objects.ts'
import { unattributedRef } from '../charge-records.ts'
import { type CollectStore, restoredCode, type StoreEvents } from './collect-store.ts'

export function inMemory(
  outbox: Outbox,
  store: CompanionStore<void>,
  rows: MemoryRows,
  events: StoreEvents,
): CollectStore {
  /** Records that came without a customer; of others nothing has to be looked for. */
  const unattributed = new Set<string>()
  const note = ({ id, customer }: UsageRecord) => void (customer === null && unattributed.add(id))
  let accepted: number | undefined
  store.attach(() => ({
    appended(appends) {
      for (const { records, holdIds } of appends) if (holdIds.length > 0) records.forEach(note)
      events.appended()
    },
    closed: events.closed,
  }))
  events.opened()
  const blockAll = (from: string | null, to: string | null) => {
    for (const account of rows.all().accounts) if (account.blocked === from) account.blocked = to
  }
  return {
    async rename(customer, to) {
      const accounts = rows.accountsOf(customer)
      for (const account of accounts) rows.rename(account, to)
      rows.end()
      return accounts.length
    },
    async chargedUnattributed(records) {
      const found = new Map<string, number[]>()
      const asked = new Set(records.filter((id) => unattributed.has(id)))
      if (asked.size === 0) return found
      for (const { record, ref, account } of rows.all().entries) {
        if (record === null || ref !== unattributedRef || !asked.has(record)) continue
        found.set(record, [...(found.get(record) ?? []), account])
      }
      return found
    },
    async unmirrored(limit) {
      return rows
        .all()
        .grants.map((grant) => ({ grant, account: rows.accountById(grant.account) }))
        .filter(({ grant: { id, state }, account }) => {
          const isOpen = state === 'scheduled' || state === 'active'
          const mirror = rows.objects.get(account.id, mirrorName(id))
          return account.collect === 'mirror' && isOpen && mirror?.state['id'] === undefined
        })
        .slice(0, limit)
    },
    async haltIfRestored() {
      const restored = await outbox.restored()
      accepted ??= restored
      if (accepted >= restored) return false
      blockAll(null, restoredCode)
      return true
    },
    async acceptRestored() {
      accepted = await outbox.restored()
      blockAll(restoredCode, null)
    },
    async accounts(after, limit) {
      return rows
        .all()
        .accounts.filter(({ id }) => id > after)
        .slice(0, limit)
        .map((account) => ({ ...account }))
    },
    async everythingOf({ id }) {
      const { accounts, grants, holds, entries } = rows.all()
      return {
        accounts: accounts.filter((account) => account.id === id),
        pools: [],
        grants: grants.filter(({ account }) => account === id),
        holds: holds.filter(({ account }) => account === id),
        endedHolds: [],
        entries: entries.filter(({ account }) => account === id),
      }
    },
  }
}
