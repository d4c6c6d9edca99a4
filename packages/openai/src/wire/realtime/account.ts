import {
  type Call,
  type Endpoint,
  noEstimate,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'

/** Follows the events of one socket and records what they say was used. */
export interface SocketReader {
  /** An event of the server, in the order in which they came. */
  see(event: SocketEvent): void
  /** The connection is gone, and with it what was under way. */
  lost(): void
}

/** An event of the server: JSON of which nothing is sure. */
export type SocketEvent = Readonly<Record<string, unknown>>

/** One response under way, as far as a reader has to do with it. */
export interface SocketCall {
  readonly call: Call
  /** Counts text of this call. */
  newEstimate(): TokenEstimate
  /** It is over: what it used, and what was said until then. */
  end(
    readings: readonly UsageReading[],
    end: 'complete' | 'interrupted',
    output: TokenEstimate,
  ): void
  /**
   * It goes on, and more was said: what it has used by now can be kept, should the process end. Asked for often;
   * left out where nothing is kept.
   */
  grown?(readings: () => readonly UsageReading[], output: TokenEstimate): void
  /** Runs `write` after so long, or when the meter ends. Returns how to take that back. */
  defer(write: () => void, forMs: number): () => void
  /** It is not to be billed, or not by this call. */
  dismiss(): void
}

/** Who is told of what a socket uses. */
export interface SocketObserver {
  /** Something that is billed has begun. It cannot be refused any more, so that it never is. */
  begin(call: Call, endpoint: Endpoint): SocketCall
  /** An estimate of the tokens of all text in a value. */
  tokensOf(value: unknown): number
  /** Reports a fault of the observation. Never throws. */
  fault(what: string, cause?: unknown): void
}

/** Who pays for what a socket uses, and what its URL says. */
export class SocketAccount {
  readonly provider: string
  /** The model that the URL names. */
  readonly model: string | undefined
  /** What the connection is attached to, where others may be attached to the same. */
  readonly callId: string | undefined
  readonly #observer: SocketObserver

  /** @param provider who serves it. */
  constructor(url: URL, observer: SocketObserver, provider: string) {
    const query = url.searchParams
    this.provider = provider
    // Azure's older URLs name a deployment where others name a model.
    this.model = query.get('model') ?? query.get('deployment') ?? undefined
    this.callId = query.get('call_id') ?? undefined
    this.#observer = observer
  }

  begin(endpoint: Endpoint, body: Call['body']): SocketCall {
    const call = { provider: this.provider, endpoint: endpoint.name, method: 'GET', body }
    return this.#observer.begin(call, endpoint)
  }

  tokensOf(value: unknown): number {
    return this.#observer.tokensOf(value)
  }

  fault(what: string, cause?: unknown): void {
    this.#observer.fault(what, cause)
  }
}

/** The endpoint of what comes with one event, and is read before its call is known. */
export function wholeEvent(name: string): Endpoint {
  return { name, read: () => [], ...noEstimate }
}
