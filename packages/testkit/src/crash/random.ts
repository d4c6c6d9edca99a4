/** Random numbers that a seed decides: the same seed gives the same ones, in the same order. */
export interface Random {
  /** From 0 up to below 1. */
  next(): number
  /** A whole number, both bounds included. */
  between(least: number, most: number): number
  oneOf<const Item>(items: readonly [Item, ...Item[]]): Item
  /** The first ones more often: of eight, the first one half of the time. */
  oftenFirst<const Item>(items: readonly [Item, ...Item[]]): Item
}

export function createRandom(seed: string): Random {
  let state = hash(seed)
  // A Weyl sequence, each step mixed: https://prng.di.unimi.it/splitmix64.c in 32 bits.
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    oneOf: (items) => items[Math.floor(next() * items.length)] ?? items[0],
    oftenFirst: (items) => items[Math.floor(next() ** 3 * items.length)] ?? items[0],
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) {
    value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193)
  }
  return value >>> 0
}
