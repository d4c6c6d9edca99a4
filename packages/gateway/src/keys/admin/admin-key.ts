import { headerValues, type RawHeaders } from '../../payer/header-values.ts'
import { isSameSecret } from '../key-secret.ts'
import { bearerToken } from '../presented-key.ts'

/** Whether a request has the admin key, as Bearer. In a time that says nothing about how much of it was right. */
export function isAdminRequest(headers: RawHeaders, adminKey: string): boolean {
  const [value = '', ...more] = headerValues(headers, 'authorization')
  return isSameSecret(bearerToken(value.trim()), adminKey) && more.length === 0
}
