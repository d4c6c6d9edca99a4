import { type LoadedRows, type Need, NeedsRows, questionOf } from './loaded-rows.ts'
import type { ErasedWith, ObjectKind, ObjectRow, ObjectRows } from './objects.ts'

/** Those of one try of an operation, over what was loaded: see `cached-rows.ts`. */
export class CachedObjects implements ObjectRows {
  readonly #loaded: LoadedRows
  readonly #own = new Map<string, ObjectRow>()

  constructor(loaded: LoadedRows) {
    this.#loaded = loaded
  }

  /** What has to be written. */
  get saved(): readonly ObjectRow[] {
    return [...this.#own.values()]
  }

  get(account: number, id: string): ObjectRow | undefined {
    const own = this.#own.get(`${account} ${id}`)
    const found = own ?? this.#answer<ObjectRow | null>({ what: 'object', account, id })
    return found === null ? undefined : { ...found }
  }

  of(account: number, kind: ObjectKind): readonly ObjectRow[] {
    const loaded = this.#answer<readonly ObjectRow[]>({ what: 'objectsOf', account, kind })
    const own = this.saved.filter((object) => object.account === account && object.kind === kind)
    const ids = new Set(own.map(({ id }) => id))
    return [...loaded.filter(({ id }) => !ids.has(id)), ...own].map((object) => ({ ...object }))
  }

  due(kind: ObjectKind, now: number, limit: number): readonly ObjectRow[] {
    const found = this.#answer<readonly ObjectRow[]>({ what: 'dueObjects', kind, now, limit })
    return found.map((object) => ({ ...object }))
  }

  erasedWith({ unit, stripeAccount, what, name }: ErasedWith): number | undefined {
    const of = { unit, stripeAccount, what, name } as const
    return this.#answer<number | null>({ what: 'erasedWith', of }) ?? undefined
  }

  save(object: ObjectRow): void {
    this.#own.set(`${object.account} ${object.id}`, { ...object })
  }

  #answer<Answer>(need: Need): Answer {
    const answer = this.#loaded.answers.get(questionOf(need))
    if (answer === undefined) throw new NeedsRows(need)
    return answer as Answer
  }
}
