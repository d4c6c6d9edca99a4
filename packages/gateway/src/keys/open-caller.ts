import type { Caller, CallerKeys } from '../caller.ts'

/** Nobody has a key: whoever reaches the gateway may all that needs none. */
const anybody: Caller = {
  keyId: null,
  userId: null,
  teamId: null,
  customer: null,
  mayName: 'any',
  models: undefined,
  allowUnknown: true,
  // Whose Stripe account it is, only a key can say.
  stripeHeaders: false,
  pools: [],
  metadata: {},
}

const notCounted = { leave: () => undefined }

/** For a gateway without an admin key, on loopback: any key is taken, and none is needed. */
export function openCaller(): CallerKeys {
  return { authenticate: () => anybody, enter: () => notCounted }
}
