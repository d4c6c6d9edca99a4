import type { Figure } from './figure.ts'

/** Figures as lines of a Markdown table. */
export function figureLines(figures: readonly Figure[]): string[] {
  const rows = figures.map(({ group, name, value, unit, note }) => [
    group,
    name,
    digits(value),
    unit,
    note,
  ])
  const lines = [
    ['group', 'what', 'value', 'unit', 'note'],
    ['---', '---', '---:', '---', '---'],
  ]
  return [...lines, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

/** Three digits that mean something. */
function digits(value: number): string {
  if (Number.isNaN(value)) return '-'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
