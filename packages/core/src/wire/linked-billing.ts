import { jsonObject } from '../lib/json.ts'

/**
 * True where a request has Anthropic bill the customer's own organisation
 * (`billing_policy: { bill_to: 'user_profile' }`). Other servers that take the same requests do not
 * know the field, and bill the application.
 * https://platform.claude.com/docs/en/manage-claude/oauth-apps/linked-billing
 */
export function isLinkedBilling(provider: string, body: object): boolean {
  if (provider !== 'anthropic') return false
  return jsonObject(ownValue(body, 'billing_policy')).bill_to === 'user_profile'
}

/**
 * A field of a request's body; `undefined` where it is not there or out of reach. Never from a
 * getter, which may be for the SDK alone to read.
 */
export function ownValue(body: object, name: string): unknown {
  try {
    return Object.getOwnPropertyDescriptor(body, name)?.value
  } catch {
    // A draft that was revoked meanwhile.
    return undefined
  }
}
