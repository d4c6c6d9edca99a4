/** One measured value, as a row of the result table. */
export interface Figure {
  readonly group: string
  readonly name: string
  readonly value: number
  readonly unit: string
  /** How it was measured, or what it stands beside. */
  readonly note: string
}

export interface FigureOptions {
  /** Fewer and smaller runs, in a minute rather than in some. */
  readonly quick: boolean
}
