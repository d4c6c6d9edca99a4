/** More changes than this make another word of it. */
const maxChanges = 2
/** A shorter word begins too many others. */
const minPrefix = 3

/** The known name that was probably meant; nothing where none is near. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const word = given.toLowerCase()
  let nearest: string | undefined
  let least = maxChanges + 1
  for (const name of known) {
    const other = name.toLowerCase()
    const changes = changesBetween(word, other)
    // Of a short word, two changes leave nothing.
    if (changes < least && changes < Math.max(word.length, other.length) / 2) {
      nearest = name
      least = changes
    }
  }
  if (nearest !== undefined || word.length < minPrefix) return nearest
  return known.find((name) => {
    const other = name.toLowerCase()
    return other.startsWith(word) || (other.length >= minPrefix && word.startsWith(other))
  })
}

/** Letters that were added, left out, replaced, or changed places with the next one. */
function changesBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > maxChanges) return Infinity
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1)
      }
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length]!
}
