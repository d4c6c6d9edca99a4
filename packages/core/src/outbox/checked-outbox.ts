import { ConfigError } from '../errors/errors.ts'
import { checkKeys } from '../errors/option-check.ts'
import { nearestName } from '../lib/nearest-name.ts'
import type { KnownSink } from './known-sinks.ts'
import type { LedgerQuery, Outbox } from './outbox.ts'

const knownQuery: Readonly<Record<keyof LedgerQuery, true>> = {
  customer: true,
  fromMs: true,
  untilMs: true,
  states: true,
  after: true,
  limit: true,
}

/** Whether it is asked of one sink, whose name comes first and must be one that there is. */
const isOfSink: Readonly<Record<keyof Outbox, boolean>> = {
  stats: true,
  deadLetters: true,
  requeue: true,
  discard: true,
  ledger: true,
  statesOf: false,
  correct: true,
  removeSink: true,
  release: true,
  drop: true,
  rename: true,
  isSettled: true,
  nextDueAt: true,
  expedite: true,
  // Either makes a sink known.
  claim: false,
  registerSink: false,
  attend: false,
  leave: false,
  settle: false,
  mark: false,
  description: false,
  durable: false,
  store: false,
  append: false,
  position: false,
  recorded: false,
  unattributed: false,
  attribute: false,
  find: false,
  distrust: false,
  restored: false,
  sinks: false,
  prune: false,
  waiting: false,
  saveNow: false,
  prepare: false,
  open: false,
  onFault: false,
  close: false,
}

/**
 * An outbox that refuses the name of a sink which neither the meter has nor the outbox knows from
 * before: a name that is misspelt has everything pending and no dead letter, for ever.
 * @param own the names of the meter's sinks.
 */
export function checkedOutbox(outbox: Outbox, own: ReadonlySet<string>): Outbox {
  const checked = new Map<PropertyKey, unknown>()
  for (const method of Object.keys(isOfSink) as (keyof Outbox)[]) {
    if (!isOfSink[method]) continue
    const act = (outbox[method] as (...parameters: unknown[]) => unknown).bind(outbox)
    checked.set(method, (sink: string, ...rest: unknown[]) => {
      if (method === 'ledger' && rest[0] !== undefined) {
        checkKeys<LedgerQuery>('ledger()', rest[0], knownQuery)
      }
      if (own.has(sink)) return act(sink, ...rest)
      const known = outbox.sinks()
      if (known instanceof Promise) {
        return known.then((sinks) => {
          check(sink, own, namesOf(sinks))
          return act(sink, ...rest)
        })
      }
      check(sink, own, namesOf(known as readonly KnownSink[]))
      return act(sink, ...rest)
    })
  }
  return new Proxy(outbox, {
    get(target, property) {
      const found = checked.get(property)
      if (found !== undefined) return found
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      // Of its own object: an outbox can be an instance of a class with private fields.
      const bound: unknown = value.bind(target)
      checked.set(property, bound)
      return bound
    },
  })
}

const namesOf = (sinks: readonly KnownSink[]) => sinks.map(({ name }) => name)

/** @throws ConfigError that names the sinks that there are. */
function check(sink: unknown, own: ReadonlySet<string>, known: readonly string[]): void {
  if (typeof sink === 'string' && known.includes(sink)) return
  const names = [...new Set([...own, ...known])].toSorted()
  const meant = typeof sink === 'string' ? nearestName(sink, names) : undefined
  throw new ConfigError(
    `there is no sink ${JSON.stringify(sink)}${meant === undefined ? '' : `, did you mean "${meant}"?`} ` +
      (names.length === 0
        ? '(the outbox knows none)'
        : `(there are ${names.map((name) => `"${name}"`).join(', ')})`),
  )
}
