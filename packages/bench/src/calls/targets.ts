import type { CallRow, FigureName } from './report.ts'

interface Target {
  readonly what: string
  readonly subject: string
  readonly figure: FigureName
  readonly most: number
  readonly unit: string
}

const withoutOutbox = 'token-meter, no outbox'

const targets: readonly Target[] = [
  { what: 'an event', subject: withoutOutbox, figure: 'parsed', most: 150, unit: 'ns' },
  { what: 'a call', subject: withoutOutbox, figure: 'callInProcess', most: 5, unit: 'µs' },
  { what: 'meter(client)', subject: withoutOutbox, figure: 'wrap', most: 5, unit: 'µs' },
  { what: 'a stream', subject: withoutOutbox, figure: 'heap', most: 32, unit: 'KB' },
]

/** How far an event may be above the floor. */
const mostFloors = 1.3

/** One line for each promise and SDK: what was found, and whether it holds. */
export function targetLines(rows: readonly CallRow[]): string[] {
  const lines = rows.flatMap((row) =>
    targets
      .filter(({ subject }) => subject === row.subject)
      .flatMap((target) => targetLine(target, row)),
  )
  return [...lines, ...rows.flatMap((row) => floorLine(row, rows))]
}

function targetLine({ what, figure, most, unit }: Target, { sdk, figures }: CallRow): string[] {
  const found = figures[figure]?.difference.median
  if (found === undefined) return []
  return [`${verdict(found <= most)} ${sdk}: ${what} ${found.toFixed(1)} ${unit}, at most ${most}`]
}

function floorLine({ sdk, subject, figures }: CallRow, rows: readonly CallRow[]): string[] {
  if (subject !== withoutOutbox) return []
  const floor = rows.find((row) => row.sdk === sdk && row.subject === 'floor')
  const [own, least] = [figures.parsed, floor?.figures.parsed].map(
    (each) => each?.difference.median,
  )
  if (own === undefined || least === undefined || least <= 0) return []
  const times = own / least
  return [
    `${verdict(times <= mostFloors)} ${sdk}: an event ${times.toFixed(2)} times the floor, at most ${mostFloors}`,
  ]
}

function verdict(holds: boolean): string {
  return holds ? 'holds ' : 'MISSED'
}
