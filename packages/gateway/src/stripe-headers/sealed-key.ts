/** A restricted key as it is kept: AES-256-GCM, bound to the request and the customer that it came with. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { ConfigError } from '@token-meter/core/adapter'

/** Seals and opens under one secret. */
export interface KeySeal {
  /** @param context what it came with: without the same it does not open. */
  seal(key: string, context: string): string
  /** `undefined` where it was sealed under another secret, or with another context. */
  open(sealed: string, context: string): string | undefined
}

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
const leastSecret = 16

/** @throws ConfigError for a secret that somebody could guess. */
export function keySeal(secret: string): KeySeal {
  if (secret.length < leastSecret) {
    throw new ConfigError(
      `stripeHeaders: the secret (TOKEN_METER_SECRET) has to have ${leastSecret} characters or more, random ones: openssl rand -hex 32`,
    )
  }
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'token-meter stripe-headers v1', 32))
  return {
    seal(plain, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(context))
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url')
      const [nonce, tag] = [
        bytes.subarray(0, nonceBytes),
        bytes.subarray(nonceBytes, nonceBytes + tagBytes),
      ]
      try {
        const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
          .setAAD(Buffer.from(context))
          .setAuthTag(tag)
        const text = decipher.update(bytes.subarray(nonceBytes + tagBytes))
        return Buffer.concat([text, decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}
