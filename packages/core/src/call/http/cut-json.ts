import { parsedJson } from '../../lib/json.ts'
import type { ObservedCall } from '../observed-call.ts'

/** What a text says that is no JSON as a whole. */
export interface CutJson {
  readonly value: unknown
  /** The object has its end: something else follows. Else what it says last may be a part of more. */
  readonly isWhole: boolean
}

/** The object that a text begins with, closed where the text breaks off; `undefined` where there is none. */
export function cutJson(text: string): CutJson | undefined {
  const start = text.indexOf('{')
  if (start < 0 || !/^[\s\uFEFF]*$/.test(text.slice(0, start))) return undefined
  let closers = ''
  let inString = false
  /** Behind the last bracket or value that has its end, and what closes the text there. */
  let sound = { at: start, closers: '' }
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at)
    if (inString) {
      if (character === '\\') at++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') {
      closers = (character === '{' ? '}' : ']') + closers
      sound = { at: at + 1, closers }
    } else if (character === '}' || character === ']') {
      closers = closers.slice(1)
      if (closers === '') return known(text.slice(start, at + 1), true)
      sound = { at: at + 1, closers }
    } else if (character === ',') sound = { at, closers }
  }
  // Half of an escape sequence is no JSON.
  const rest = text.slice(start).replace(/\\(?:u[\da-f]{0,3})?$/i, '')
  const closed = inString ? known(`${rest}"${closers}`, false) : undefined
  return closed ?? known(text.slice(start, sound.at) + sound.closers, false)
}

function known(json: string, isWhole: boolean): CutJson | undefined {
  const value = parsedJson(json)
  return value === undefined ? undefined : { value, isWhole }
}

/** Settles a call whose answer is no JSON as a whole, or has broken off. */
export function respondInPart(call: ObservedCall, text = ''): void {
  const part = cutJson(text)
  if (part?.isWhole === true) call.respond(part.value)
  else call.abandon(part?.value)
}
