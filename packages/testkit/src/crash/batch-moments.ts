import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Outbox, Sink } from '@token-meter/core'
import type { Moment, MomentLog } from './moments.ts'

/** What undici, which `fetch` is made of, tells of its requests. */
interface RequestEvent {
  readonly request: { readonly origin: string }
  readonly response?: { readonly statusCode: number }
}

/** Follows the batches of a process, in its outbox and its sink, from the claim to the settling. */
export class BatchMoments {
  readonly #log: MomentLog
  /** Where each claimed batch stands, by its lease. */
  readonly #of = new Map<string, Moment>()
  readonly #sending = new AsyncLocalStorage<string>()

  /** @param stripeUrl answers of which are answers to a batch. */
  constructor(log: MomentLog, stripeUrl: string) {
    this.#log = log
    const leases = new WeakMap<object, string>()
    subscribe('undici:request:create', (event) => {
      const { request } = event as RequestEvent
      const lease = this.#sending.getStore()
      if (lease !== undefined && request.origin === stripeUrl) leases.set(request, lease)
    })
    subscribe('undici:request:headers', (event) => {
      const { request, response } = event as RequestEvent
      const lease = leases.get(request)
      if (lease === undefined || response?.statusCode !== 200) return
      if (this.#of.get(lease) === 'send') this.#move(lease, 'answered')
    })
  }

  ofOutbox(outbox: Outbox): Outbox {
    return {
      ...outbox,
      append: (records) => this.#log.during('append', () => outbox.append(records)),
      claim: (...parameters) => this.#log.during('claim', () => outbox.claim(...parameters)),
      settle: (batch, results) => {
        this.#move(batch.lease, undefined)
        return this.#log.during('settle', () => outbox.settle(batch, results))
      },
    }
  }

  ofSink(sink: Sink): Sink {
    return {
      ...sink,
      // With its progress, or no request would be marked in the outbox, as those of an application are.
      send: (batch, signal, progress) => {
        // A batch can be sent several times until it is settled.
        if (!this.#of.has(batch.lease)) this.#move(batch.lease, 'send')
        return this.#sending.run(batch.lease, () => sink.send(batch, signal, progress))
      },
    }
  }

  #move(lease: string, to: Moment | undefined): void {
    this.#log.move(this.#of.get(lease), to)
    if (to === undefined) this.#of.delete(lease)
    else this.#of.set(lease, to)
  }
}
