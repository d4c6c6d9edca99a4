import type { Spread } from '../calls/measure/spread.ts'
import type { FetchRow } from './fetch-rows.ts'

const titles = {
  call: 'a call, read as JSON (µs)',
  chunk: 'a chunk of one event (ns)',
  event: 'an event, 100 a chunk (ns)',
} as const

/** What may be added to a bare `fetch`: a chunk of one event is a chunk and an event. */
const most = { call: 20, chunk: 600 + 150, event: 150 } as const

/** Rows as a Markdown table, and what of the targets holds. */
export function fetchLines(rows: readonly FetchRow[]): string[] {
  const lines = rows.map(({ subject, what, figure: { raw, difference } }) => [
    titles[what],
    subject,
    Math.round(raw.median * 10) / 10,
    `${signed(difference.median)} ±${digits(halfRange(difference))}`,
    (difference.median / raw.median + 1).toFixed(2),
  ])
  const head = [
    ['what', 'subject', 'raw fetch', 'over raw', 'times raw'],
    ['---', '---', '---:', '---:', '---:'],
  ]
  const table = [...head, ...lines].map((cells) => `| ${cells.join(' | ')} |`)
  const targets = rows
    .filter(({ subject }) => subject.startsWith('meter.fetch'))
    .map(({ subject, what, figure: { difference } }) => {
      const holds = difference.median <= most[what] ? 'holds ' : 'MISSED'
      return `${holds} ${subject}: ${titles[what]} ${digits(difference.median)}, at most ${most[what]}`
    })
  return [...table, '', '```text', ...targets, '```']
}

function halfRange({ lower, upper }: Spread): number {
  return (upper - lower) / 2
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${digits(value)}`
}

function digits(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toFixed(1)
}
