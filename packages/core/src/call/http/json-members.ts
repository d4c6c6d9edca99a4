/** Where a member of an object stands in the text of JSON. */
export interface Member {
  readonly key: string
  /** Where its key begins, with the quote. */
  readonly keyStart: number
  readonly start: number
  readonly end: number
}

/**
 * The members of the object that begins at `start`, in text that is known to be JSON.
 *
 * @param text with one character for each byte or not: keys that are not ASCII are of no use.
 */
export function objectMembers(text: string, start: number): readonly Member[] {
  const members: Member[] = []
  let at = skipBlank(text, start + 1)
  while (text[at] === '"') {
    const keyStart = at
    const keyEnd = skipString(text, at)
    const valueStart = skipBlank(text, skipBlank(text, keyEnd) + 1)
    const end = skipValue(text, valueStart)
    members.push({ key: text.slice(keyStart + 1, keyEnd - 1), keyStart, start: valueStart, end })
    at = skipBlank(text, end)
    if (text[at] !== ',') break
    at = skipBlank(text, at + 1)
  }
  return members
}

/** Where the value at a path below the one at `start` stands; `undefined` where that is not certain. */
export function valueAt(
  text: string,
  start: number,
  path: readonly (string | number)[],
): { readonly start: number; readonly end: number } | undefined {
  let span = { start, end: skipValue(text, start) }
  for (const step of path) {
    const found =
      typeof step === 'number'
        ? arrayItem(text, span.start, step)
        : onlyMember(objectMembers(text, span.start), step)
    if (found === undefined) return undefined
    span = found
  }
  return span
}

/** The one member of that name: of several, readers take the last, and editors the first. */
export function onlyMember(members: readonly Member[], key: string): Member | undefined {
  const [member, second] = members.filter((each) => each.key === key)
  return second === undefined ? member : undefined
}

function arrayItem(
  text: string,
  start: number,
  index: number,
): { readonly start: number; readonly end: number } | undefined {
  let at = skipBlank(text, start + 1)
  for (let place = 0; text[at] !== ']' && at < text.length; place++) {
    const end = skipValue(text, at)
    if (place === index) return { start: at, end }
    at = skipBlank(text, end)
    if (text[at] === ',') at = skipBlank(text, at + 1)
  }
  return undefined
}

function skipBlank(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= 0x20) at++
  return at
}

/** Behind the string that begins at `from`. */
function skipString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** Behind the value that begins at `from`. */
function skipValue(text: string, from: number): number {
  let at = from
  let depth = 0
  do {
    const character = text[at]
    if (character === '"') {
      at = skipString(text, at)
      continue
    }
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (depth === 0) {
      while (at < text.length && !/[\s,\]}]/.test(text[at] as string)) at++
      return at
    }
    at++
  } while (depth > 0 && at < text.length)
  return at
}
