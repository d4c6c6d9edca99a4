/** Follows the events of one socket and records what they say was used. */
export interface SocketReader {
  /** An event of the server, in the order in which they came. */
  see(event: SocketEvent): void
  /** The connection is gone, and with it what was under way. */
  lost(): void
}

/** An event of the server: JSON of which nothing is sure. */
export type SocketEvent = Readonly<Record<string, unknown>>
