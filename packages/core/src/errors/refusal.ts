/**
 * Why a record was refused, for machines: `reason` is for people, and nothing is decided by it. Dead
 * letters, entries of the ledger and `outbox.correct()` carry both.
 */
export interface Refusal {
  /**
   * What kind of refusal it is. `uncertain`: the backend may have the record, or a part of it, all the
   * same, and must not be asked by sending it again. `uncertain_sum`: the same, as part of a sum.
   * Other codes are the sink's own, such as its backend's error codes: up to 100 characters.
   */
  readonly code?: string
  /** With the uncertain codes: when it may first have arrived, in ms since the epoch. */
  readonly since?: number
}

/** A refusal of what may have arrived: to send it again could bill it twice. */
export function uncertainRefusal(since: number): Required<Refusal> {
  return { code: 'uncertain', since }
}

/** Whether a refusal says that the backend may have the record all the same. */
export function isUncertainRefusal({ code }: Refusal): boolean {
  return code === 'uncertain' || code === 'uncertain_sum'
}

/** What there is of a refusal, and nothing else of what it came with. */
export function refusalOf(given: { readonly code?: unknown; readonly since?: unknown }): Refusal {
  const { code, since } = given
  return {
    ...(typeof code === 'string' && code !== '' && { code: code.slice(0, 100) }),
    ...(typeof since === 'number' && Number.isFinite(since) && { since }),
  }
}

/** Of several at once: what may have arrived outweighs the rest, and the first of its kind stands. */
export function joinedRefusal(refusals: readonly Refusal[]): Refusal {
  const uncertain = refusals.filter(isUncertainRefusal)
  const [first = {}] = uncertain.length > 0 ? uncertain : refusals
  const times = uncertain.flatMap(({ since }) => since ?? [])
  return refusalOf(times.length > 0 ? { ...first, since: Math.min(...times) } : first)
}
