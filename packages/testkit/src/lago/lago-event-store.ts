import type { FakeLagoOptions } from './fake-lago-options.ts'
import type { LagoEventInput } from './lago-event-input.ts'

/** The events that Lago has, each once by the rule of its store. */
export interface LagoEventStore {
  /** In order of arrival. */
  readonly events: readonly LagoEventInput[]
  /** Keeps events; answers the places of those that it has already, in which case it keeps none. */
  add(events: readonly LagoEventInput[]): readonly number[]
}

export function createLagoEventStore(options: FakeLagoOptions): LagoEventStore {
  const { store = 'postgres', keepsNeighbours = false } = options
  const events: LagoEventInput[] = []
  const placeOf = new Map<string, number>()

  const keep = (event: LagoEventInput) => {
    placeOf.set(keyOf(event, store), events.push(event) - 1)
  }

  return {
    events,
    add(given) {
      if (store === 'clickhouse') {
        for (const event of given) {
          const place = placeOf.get(keyOf(event, store))
          if (place === undefined) keep(event)
          else events[place] = event
        }
        return []
      }
      const seen = new Set(placeOf.keys())
      const isNew = given.map((event) => {
        const key = keyOf(event, store)
        if (seen.has(key)) return false
        seen.add(key)
        return true
      })
      const duplicates = isNew.flatMap((fresh, place) => (fresh ? [] : [place]))
      if (duplicates.length === 0 || keepsNeighbours) {
        for (const [place, event] of given.entries()) if (isNew[place]) keep(event)
      }
      return duplicates
    },
  }
}

function keyOf(event: LagoEventInput, store: 'postgres' | 'clickhouse'): string {
  const { transaction_id, external_subscription_id, code, timestamp } = event
  const inPostgres = [external_subscription_id, transaction_id]
  return JSON.stringify(
    store === 'postgres' ? inPostgres : [...inPostgres, code, Number(timestamp).toFixed(3)],
  )
}
