const remembered = 10_000

// Of the process: a session that reconnects, or that two sockets see, is billed once.
const sessions = new Map<string, number>()
const nameless = new WeakMap<object, number>()

/** The part of a session that is new. In ms since its start, so that parts add up exactly. */
export interface NewSeconds {
  readonly seconds: number
  readonly fromMs: number
  readonly toMs: number
}

/**
 * What a running total adds to what was billed of the session before; `undefined` where it adds
 * nothing. Billed as it grows, so that a crash loses no more than the time since the last total.
 *
 * @param session what tells the session from others; an object for one that has not said its id.
 */
export function billableSeconds(
  session: string | object,
  totalSeconds: number,
): NewSeconds | undefined {
  const toMs = Math.round(totalSeconds * 1000)
  const fromMs = (typeof session === 'string' ? sessions.get(session) : nameless.get(session)) ?? 0
  if (toMs <= fromMs) return undefined
  if (typeof session === 'string') {
    // Moved to the end: forgotten is who has been silent longest, however long a session is.
    sessions.delete(session)
    sessions.set(session, toMs)
    const [oldest] = sessions.keys()
    if (sessions.size > remembered && oldest !== undefined) sessions.delete(oldest)
  } else nameless.set(session, toMs)
  return { seconds: (toMs - fromMs) / 1000, fromMs, toMs }
}
