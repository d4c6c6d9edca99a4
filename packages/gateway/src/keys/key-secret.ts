/**
 * `tm-<public id>-<secret>`. The secret has 256 random bits, so that its plain SHA-256 can be kept: nobody
 * finds a text that has it, however fast they hash.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const prefix = 'tm-'
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** What 256 bits take in these digits. */
const secretLength = 43
const idLength = 16
const shape = new RegExp(`^${prefix}([0-9a-f]{${idLength}})-([0-9A-Za-z]{${secretLength}})$`)
const idShape = new RegExp(`^[0-9a-f]{${idLength}}$`)

/** A key as it was presented. */
export interface KeyText {
  readonly id: string
  /** SHA-256 of all of it, in hex. */
  readonly hash: string
}

/** A new public id. */
export function mintKeyId(): string {
  return randomBytes(idLength / 2).toString('hex')
}

/** A new key under an id: what is shown once, and what is kept. */
export function mintKey(id: string): { readonly key: string; readonly hash: string } {
  const key = `${prefix}${id}-${inDigits(randomBytes(32)).padStart(secretLength, '0')}`
  return { key, hash: sha256(key) }
}

/** `undefined` for what no key of ours looks like. */
export function readKey(text: string): KeyText | undefined {
  const id = shape.exec(text)?.[1]
  return id === undefined ? undefined : { id, hash: sha256(text) }
}

/** The id in a key, in `tm-<id>`, in what lists show of a key, or an id itself; `undefined` for anything else. */
export function keyIdIn(text: string): string | undefined {
  const [id = ''] = (text.startsWith(prefix) ? text.slice(prefix.length) : text).split('-')
  return idShape.test(id) ? id : undefined
}

/** What may be shown of a key. */
export function shownKey(id: string): string {
  return `${prefix}${id}-...`
}

/** A text that somebody may have put a key into, without its secret. */
export function withoutKeys(text: string): string {
  return text.replaceAll(anyKey, (_, id: string) => shownKey(id))
}

const anyKey = new RegExp(`${prefix}([0-9a-f]{${idLength}})-[0-9A-Za-z]+`, 'g')

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** In a time that says nothing about where two hashes of one length differ. */
export function isSameHash(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** In a time that says nothing about where two texts of any length differ, or by how much. */
export function isSameSecret(given: string, secret: string): boolean {
  return isSameHash(sha256(given), sha256(secret))
}

function inDigits(bytes: Uint8Array): string {
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; number > 0n; number /= 62n) text = digits[Number(number % 62n)] + text
  return text
}
