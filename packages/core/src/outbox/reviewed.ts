/**
 * What becomes of a record at a sink that bills can change what it costs its customer: a bill was
 * cancelled, a dead letter is given up, test usage is sent after all. Books that stand beside the
 * records are given such records once more, in whatever process it is done.
 */
import { ConfigError } from '../errors/errors.ts'
import type { Awaitable } from '../lib/promises.ts'
import type { Outbox, RecordState } from './outbox.ts'
import { coveredCode } from './rules.ts'

type Reviewed = Pick<Outbox, 'correct' | 'discard' | 'release'>
type Asked = Pick<Outbox, 'sinks' | 'ledger' | 'requeue'>

/** The code of a record that the books are about to be given again. */
export const reviewCode = 'review'

/** The same operations, after which the books are given the records again. */
export function reviewed(outbox: Reviewed & Asked): Reviewed {
  const { sinks, ledger, correct, requeue, discard, release } = outbox

  const booksBeside = (sink: string): Awaitable<string | undefined> =>
    then(sinks(), (known) => {
      const books = known.find(({ mode }) => mode === 'books')?.name
      return books === sink ? undefined : books
    })

  const review = async (books: string, ids: readonly string[]): Promise<void> => {
    const reason = 'what becomes of it at a sink has changed'
    if ((await correct(books, ids, { state: 'dead', code: reviewCode, reason })) > 0) {
      await requeue(books, ids)
    }
  }

  const idsIn = async (sink: string, state: RecordState): Promise<readonly string[]> => {
    const ids: string[] = []
    let after: number | undefined
    do {
      const query = { states: [state], ...(after !== undefined && { after }) }
      const page = await ledger(sink, query)
      for (const { record } of page.entries) ids.push(record.id)
      after = page.next
    } while (after !== undefined)
    return ids
  }

  return {
    correct(sink, ids, correction) {
      if (correction.code === coveredCode) {
        throw new ConfigError(
          `correct: the code "${coveredCode}" says that prepaid credit has paid for a record: leave it to the delivery`,
        )
      }
      return then(booksBeside(sink), (books) => {
        const moved = correct(sink, ids, correction)
        if (books === undefined) return moved
        return Promise.resolve(moved).then(async (count) => {
          if (count > 0) await review(books, ids)
          return count
        })
      })
    },
    discard: (sink, given) =>
      then(booksBeside(sink), (books) => {
        if (books === undefined) return discard(sink, given)
        return Promise.resolve(given ?? idsIn(sink, 'dead')).then(async (ids) => {
          const count = await discard(sink, ids)
          if (count > 0) await review(books, ids)
          return count
        })
      }),
    release: (sink, given) =>
      then(booksBeside(sink), (books) => {
        if (books === undefined) return release(sink, given)
        return Promise.resolve(given ?? idsIn(sink, 'held')).then(async (ids) => {
          // Without ids it also forgets that what is kept is from before the sink.
          const count = await release(sink, given === undefined ? undefined : ids)
          await release(books, ids)
          return count
        })
      }),
  }
}

/** At once where the value is there. */
function then<Value, Next>(
  value: Awaitable<Value>,
  next: (value: Value) => Awaitable<Next>,
): Awaitable<Next> {
  return value instanceof Promise ? value.then(next) : next(value as Value)
}
