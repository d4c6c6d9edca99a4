import { onTestFinished } from 'vitest'
import type { Dialect } from '@token-meter/gateway'
import { ownedObjects } from '../src/objects/kept-objects.ts'
import type { ObjectRequest, OwnedObjects } from '../src/objects/owned-objects.ts'
import type { ObjectOwner } from '../src/payer/object-owner.ts'
import type { Place } from './stores.ts'

type Body = Readonly<Record<string, unknown>>

export function startObjects(
  place: Place,
  options: { now?: () => number; shared?: readonly string[] } = {},
) {
  const outbox = place.open()
  const errors: unknown[] = []
  const objects = ownedObjects({ outbox, onError: (error) => errors.push(error), ...options })
  onTestFinished(() => outbox.close())
  return { objects, outbox, errors }
}

export function owner(id: string): ObjectOwner {
  return { id, mayUse: (other) => other === id }
}
export const [anna, ben] = [owner('customer:anna'), owner('customer:ben')]

export function request(
  method: string,
  target: string,
  body?: Body,
  dialect: Dialect = 'openai',
): ObjectRequest {
  const [path = '', query] = target.split('?')
  return { upstream: dialect, dialect, method, path, query: new URLSearchParams(query), body }
}

/** The answer to a request comes, in pieces of so many bytes. */
export async function answered(
  objects: OwnedObjects,
  [asked, whose]: readonly [ObjectRequest, ObjectOwner],
  answer: unknown,
  size = 7,
): Promise<void> {
  const watch = objects.watch(asked, whose)
  const bytes = new TextEncoder().encode(
    typeof answer === 'string' ? answer : JSON.stringify(answer, null, 2),
  )
  for (let from = 0; from < bytes.length; from += size) watch?.push(bytes.slice(from, from + size))
  await watch?.ended()
}

export const events = (...all: readonly Body[]): string =>
  all
    .map((event) => `event: ${event['type'] as string}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')
