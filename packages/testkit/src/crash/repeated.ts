/** Every item that came before, each time. */
export function repeated(items: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return items.filter((item) => seen.size === seen.add(item).size)
}
