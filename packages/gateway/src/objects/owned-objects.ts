/**
 * What customers made at a provider belongs to them: files, batches, responses, conversations, caches. All
 * customers share the gateway's key of the provider, which would give each what any of them made.
 */
import type { ObjectOwner } from '../payer/object-owner.ts'
import type { Dialect } from '../upstream.ts'

/** What is looked at of a request. */
export interface ObjectRequest {
  readonly upstream: string
  readonly dialect: Dialect
  readonly method: string
  /** As the upstream gets it, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** The top of its JSON body; `undefined` where it has none, or it was not read. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** Sees an answer for what was made. Nothing of it throws. */
export interface ObjectWatch {
  /** Decoded bytes of the body of a 2xx answer, in whatever pieces. */
  push(piece: Uint8Array): void
  /** A message of a socket, parsed, in place of bytes. */
  saw(message: unknown): void
  /** The answer is over, or broke off. Awaited before the last byte of a whole answer goes out. */
  ended(): void | Promise<void>
}

export interface OwnedObjects {
  /**
   * Whether the request can name what others made in its body, so that it has to be read before it is
   * sent, also where nothing of it is metered.
   */
  needsBody(request: Pick<ObjectRequest, 'dialect' | 'method' | 'path'>): boolean
  /**
   * @throws GatewayRefusal 404 for an id, in the path, the query or the body, that is not the owner's; 503
   * where the store does not say whose it is.
   */
  check(request: ObjectRequest, owner: ObjectOwner): void | Promise<void>
  /** `undefined` where the request makes nothing. */
  watch(request: ObjectRequest, owner: ObjectOwner): ObjectWatch | undefined
}
