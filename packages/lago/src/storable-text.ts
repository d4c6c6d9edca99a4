/**
 * Text without what Lago's database cannot hold: it answers 500 to a whole batch that has a NUL or
 * half of a surrogate pair in it.
 */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}

export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
