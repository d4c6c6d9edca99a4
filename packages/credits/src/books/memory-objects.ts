import type { ErasedWith, ObjectKind, ObjectRow, ObjectRows } from './objects.ts'

export class MemoryObjects implements ObjectRows {
  readonly #objects = new Map<string, ObjectRow>()
  readonly #onUndo: (undo: () => void) => void
  readonly #findErased: (of: ErasedWith) => number | undefined

  /** @param onUndo is given what takes back what was saved. */
  constructor(
    onUndo: (undo: () => void) => void,
    findErased: (of: ErasedWith) => number | undefined,
  ) {
    this.#onUndo = onUndo
    this.#findErased = findErased
  }

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

  erasedWith(of: ErasedWith): number | undefined {
    return this.#findErased(of)
  }

  save(object: ObjectRow): void {
    const name = `${object.account} ${object.id}`
    const before = this.#objects.get(name)
    this.#objects.set(name, { ...object })
    this.#onUndo(() => {
      if (before === undefined) this.#objects.delete(name)
      else this.#objects.set(name, before)
    })
  }

  #copies(is: (object: ObjectRow) => boolean): readonly ObjectRow[] {
    return [...this.#objects.values()].filter(is).map((object) => ({ ...object }))
  }
}
