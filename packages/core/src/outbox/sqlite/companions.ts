import type { DatabaseSync } from 'node:sqlite'
import type { OutboxError } from '../../errors/errors.ts'
import {
  type AttachedCompanion,
  type Companion,
  companionFailure,
  inAppends,
} from '../companion.ts'
import type { WithAppended } from './append.ts'
import { inTransaction } from './node-sqlite.ts'
import { sqliteFailure } from './sqlite-failure.ts'

/** Makes a companion in a file, inside a transaction. */
export type PrepareCompanion = (database: DatabaseSync) => Companion

/** The companions of one open file. */
export interface OpenCompanions extends WithAppended {
  /** The one that `prepare` makes, in this file. */
  part<Part extends Companion>(prepare: (database: DatabaseSync) => Part): Part
  write<Value>(work: () => Value): Value
}

/**
 * @param all what makes those that are attached, now or later.
 * @param report told of what a companion could not write.
 */
export function openCompanions(
  database: DatabaseSync,
  all: readonly PrepareCompanion[],
  report: (error: OutboxError) => void,
): OpenCompanions {
  const parts = new Map<PrepareCompanion, Companion>()
  const part = <Part extends Companion>(prepare: (database: DatabaseSync) => Part): Part => {
    const known = parts.get(prepare)
    if (known !== undefined) return known as Part
    const made = inTransaction(database, () => prepare(database))
    parts.set(prepare, made)
    return made
  }

  return {
    isNeeded() {
      // Before the transaction of the records begins.
      if (parts.size < all.length) all.forEach(part)
      return parts.size > 0
    },
    appended(rows) {
      const appends = inAppends(rows, ({ record }) => record)
      for (const companion of parts.values()) companion.appended(appends)
    },
    failed: (cause) => report(companionFailure(cause)),
    part,
    write: (work) => inTransaction(database, work),
  }
}

/** @param open the companions of the file that is there now. */
export function attachedCompanion<Part extends Companion>(
  prepare: (database: DatabaseSync) => Part,
  open: () => OpenCompanions,
  path: string,
): AttachedCompanion<Part> {
  const explained = <Value>(work: () => Value): Value => {
    try {
      return work()
    } catch (error) {
      if (!(error as { errcode?: unknown }).errcode) throw error
      throw sqliteFailure(error, { action: 'use', path })
    }
  }
  return {
    write: (work) =>
      explained(() => {
        const companions = open()
        const part = companions.part(prepare)
        return companions.write(() => work(part))
      }),
    read: (work) => explained(() => work(open().part(prepare))),
  }
}
