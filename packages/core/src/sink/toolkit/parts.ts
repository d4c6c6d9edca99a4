/** The items in groups of up to `size`, such as what a backend takes in one request. */
export function chunksOf<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  const chunks: (readonly Item[])[] = []
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size))
  }
  return chunks
}

/** Two halves, to find by and by the one of several events that a refusal is about. */
export function halvesOf<Item>(
  items: readonly Item[],
): readonly [first: readonly Item[], second: readonly Item[]] {
  const middle = Math.ceil(items.length / 2)
  return [items.slice(0, middle), items.slice(middle)]
}
