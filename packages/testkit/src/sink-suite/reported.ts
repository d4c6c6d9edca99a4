import type { RecordProgress, SendProgress } from '@token-meter/core/adapter'

/** What a sink reported of a batch. */
export interface Reported {
  readonly progress: SendProgress
  /** Ids of records that it said are about to be sent. */
  readonly said: string[]
  /** Those of them that were out already. */
  readonly sentBeforeSaid: string[]
  readonly accepted: string[]
  /** Requests that are not over. */
  readonly open: ReadonlySet<number>
}

/** Longer than a request that does not wait for its mark would take to be out, in ms. */
const writingMs = 20

/**
 * Listens to a sink as an outbox does that takes a while to write.
 * @param wasSent whether a request with the record has arrived.
 */
export function reportingTo(
  wasSent: (recordId: string) => boolean,
  { isOver = false }: { readonly isOver?: boolean } = {},
): Reported {
  const said: string[] = []
  const sentBeforeSaid: string[] = []
  const accepted: string[] = []
  const open = new Set<number>()
  let last = 0
  const known = (records: readonly RecordProgress[]) => {
    for (const { recordId, result } of records) {
      if (result.status === 'accepted') accepted.push(recordId)
    }
  }
  const progress: SendProgress = {
    async sending(parts) {
      const request = ++last
      const ids = parts.flatMap(({ recordIds }) => recordIds)
      await new Promise((written) => setTimeout(written, writingMs))
      said.push(...ids)
      sentBeforeSaid.push(...ids.filter(wasSent))
      return {
        check() {
          if (isOver) throw new Error('the claim has ended')
          open.add(request)
        },
        over(records = []) {
          open.delete(request)
          known(records)
        },
      }
    },
    known,
  }
  return { progress, said, sentBeforeSaid, accepted, open }
}
