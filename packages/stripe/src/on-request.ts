import type Stripe from 'stripe'

type Listener = (idempotencyKey: string) => void

/**
 * Listeners by client, so that a client has one of ours at the most: a platform has a sink for each
 * connected account on one client, and Node warns of a leak at the eleventh listener.
 */
const listeners = new WeakMap<Stripe, { readonly all: Set<Listener>; readonly end: () => void }>()

/** Calls back with the idempotency key of every request that a client sends, until the answer is called. */
export function onRequest(stripe: Stripe, listener: Listener): () => void {
  const own = listeners.get(stripe) ?? listen(stripe)
  own.all.add(listener)
  return () => {
    own.all.delete(listener)
    if (own.all.size === 0) own.end()
  }
}

function listen(stripe: Stripe) {
  const all = new Set<Listener>()
  const onEvent = ({ idempotency_key: key = '' }: Stripe.RequestEvent) => {
    for (const listener of all) listener(key)
  }
  stripe.on('request', onEvent)
  const own = {
    all,
    end: () => {
      stripe.off('request', onEvent)
      if (listeners.get(stripe) === own) listeners.delete(stripe)
    },
  }
  listeners.set(stripe, own)
  return own
}
