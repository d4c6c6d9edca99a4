/**
 * What the records of a request are appended with that came with Stripe's headers. It goes the way of the ids of
 * holds (`AppendOptions.holdIds`): through a spool, with usage that is kept while a stream goes on, to whichever
 * process appends the records in the end; and becomes a row in the transaction that keeps them. So there is no moment
 * at which a record is there, and is not known to be billed elsewhere.
 */
import type { AppendedRecords } from '@token-meter/core/outbox'

/** Why records are not billed at the account of the headers, nor at another. */
export type UnsentReason =
  /** One of the two headers came without the other. */
  | 'stripe_headers_incomplete'
  /** The gateway has no secret to seal the key under. */
  | 'no_secret'
  /** It was settled, or given up: the key is not kept any longer. */
  | 'gone'

export interface HeaderNote {
  /** The id of the request: the seal is bound to it. */
  readonly request: string
  /** Of the headers. */
  readonly customer: string
  /** The restricted key; `null` where there is none that is used. */
  readonly sealed: string | null
  readonly why: UnsentReason | null
}

/** A note, and the record that it is of. */
export interface HeaderRow extends HeaderNote {
  readonly record: string
  /** When the record was made, in ms since the epoch. */
  readonly at: number
}

const prefix = 'stripe-headers:'

export function noteId(note: HeaderNote): string {
  return `${prefix}${JSON.stringify(note)}`
}

/** What a seal is bound to. */
export function contextOf({ request, customer }: Pick<HeaderNote, 'request' | 'customer'>): string {
  return JSON.stringify([request, customer])
}

/** The rows of records that are kept just now. Of several notes the first counts: that of who asked for the work. */
export function rowsOf(appends: readonly AppendedRecords[]): readonly HeaderRow[] {
  return appends.flatMap(({ records, holdIds }) => {
    const id = holdIds.find((each) => each.startsWith(prefix))
    if (id === undefined) return []
    const note = JSON.parse(id.slice(prefix.length)) as HeaderNote
    return records.map((record) => ({ ...note, record: record.id, at: record.at }))
  })
}
