import type { ObjectKind, ObjectRow, ObjectRows } from './objects.ts'

export class MemoryObjects implements ObjectRows {
  readonly #objects = new Map<string, ObjectRow>()

  get(account: number, id: string): ObjectRow | undefined {
    const found = this.#objects.get(`${account} ${id}`)
    return found && { ...found }
  }

  of(account: number, kind: ObjectKind): readonly ObjectRow[] {
    return this.#copies((object) => object.account === account && object.kind === kind)
  }

  due(kind: ObjectKind, now: number, limit: number): readonly ObjectRow[] {
    return this.#copies((object) => object.kind === kind && (object.dueAt ?? Infinity) <= now)
      .toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))
      .slice(0, limit)
  }

  save(object: ObjectRow): void {
    this.#objects.set(`${object.account} ${object.id}`, { ...object })
  }

  #copies(is: (object: ObjectRow) => boolean): readonly ObjectRow[] {
    return [...this.#objects.values()].filter(is).map((object) => ({ ...object }))
  }
}
