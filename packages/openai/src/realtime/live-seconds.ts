const remembered = 10_000
const minuteMs = 60_000
/** More than this at once is no session's length. */
const mostMinutes = 24 * 60

/** Seconds of one minute of a session, counted from the session's start. */
export interface LivePart {
  readonly minute: number
  readonly seconds: number
}

/** One session, as far as it is known here. */
interface Session {
  totalMs: number
  /** Minutes that are billed. */
  minutes: number
  /** Gives up what is held of a lost connection. */
  release: (() => void) | undefined
}

/**
 * Cuts the running totals of sessions into whole minutes, and a rest at the end. Each is the same
 * whoever sees the totals and whichever of them he sees, so that records with ids of the session
 * and the minute bill every second once, also when a session goes on in another process.
 */
export class LiveSeconds {
  readonly #sessions = new Map<string, Session>()
  readonly #nameless = new WeakMap<object, Session>()

  /**
   * The minutes that are over now and were not before; `undefined` for a total that cannot be.
   *
   * @param session what tells the session from others; an object for one that has not said its id.
   */
  grown(session: string | object, totalSeconds: number): readonly LivePart[] | undefined {
    const known = this.#session(session)
    const totalMs = Math.round(totalSeconds * 1000)
    if (totalMs <= known.totalMs) return []
    const from = known.minutes
    const to = Math.max(from, Math.floor(totalMs / minuteMs))
    if (to - from > mostMinutes) return undefined
    known.totalMs = totalMs
    known.minutes = to
    return Array.from({ length: to - from }, (_, index) => ({ minute: from + index, seconds: 60 }))
  }

  /** What has begun of a minute and is not billed. */
  rest(session: string | object): LivePart | undefined {
    const { totalMs, minutes } = this.#session(session)
    const restMs = totalMs - minutes * minuteMs
    return restMs > 0 ? { minute: minutes, seconds: restMs / 1000 } : undefined
  }

  /** The rest is billed. */
  restBilled(session: string | object): void {
    this.#session(session).minutes++
  }

  /** Remembers how to give up the rest, once somebody takes the session up. */
  held(session: string | object, release: () => void): void {
    this.takenUp(session)
    this.#session(session).release = release
  }

  /** Somebody sees the session, and will bill its rest. */
  takenUp(session: string | object): void {
    const known = this.#session(session)
    known.release?.()
    known.release = undefined
  }

  #session(session: string | object): Session {
    if (typeof session === 'object') {
      const known = this.#nameless.get(session) ?? newSession()
      this.#nameless.set(session, known)
      return known
    }
    const known = this.#sessions.get(session) ?? newSession()
    // Moved to the end: forgotten is who has been silent longest, however long a session is.
    this.#sessions.delete(session)
    this.#sessions.set(session, known)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > remembered && oldest !== undefined) this.#sessions.delete(oldest)
    return known
  }
}

function newSession(): Session {
  return { totalMs: 0, minutes: 0, release: undefined }
}
