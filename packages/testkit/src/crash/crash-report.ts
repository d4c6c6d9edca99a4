import type { SinkStats } from '@token-meter/core'
import type { Audit } from './audit.ts'

/** What a crash run came to. */
export interface CrashReport extends Audit {
  readonly seed: string
  /** SIGKILLs of processes, and how many of them hit one that was past its start. */
  readonly kills: number
  readonly killsAtWork: number
  /** Calls that had resolved; the records are these and those that were cut off in between. */
  readonly resolved: number
  readonly records: number
  readonly stats: SinkStats
  readonly meterEvents: number
  /** Requests to Stripe, by the status they were answered with; `none`: never answered. */
  readonly requests: Readonly<Record<string, number>>
  /** Requests that repeated one which Stripe had processed, answered or not. */
  readonly repeats: number
  /** Faults served, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** What processes reported, by its beginning, and how often. */
  readonly reported: Readonly<Record<string, number>>
  readonly tokens: number
  readonly killingMs: number
  readonly drainingMs: number
}

/** The report as lines for people. */
export function reportLines(report: CrashReport): string {
  const { rows, problems } = report
  const customers = Map.groupBy(rows, ({ customer }) => customer)
  const table = [...customers].toSorted().map(([customer, own]) => {
    const recorded = sum(own.map((row) => row.recorded))
    const billed = sum(own.map((row) => row.billed))
    const isSame = own.every((row) => row.recorded === row.billed)
    const verdict = isSame ? `equal in all ${own.length} sums` : 'DIFFERENT'
    return `  ${customer}  recorded ${pad(recorded)}  billed ${pad(billed)}  ${verdict}`
  })
  return [
    `seed            ${report.seed}`,
    `kills           ${report.kills}, ${report.killsAtWork} of them at work`,
    `calls resolved  ${report.resolved}`,
    `records         ${report.records} (${JSON.stringify(report.stats)})`,
    `meter events    ${report.meterEvents}`,
    `tokens          ${report.tokens}`,
    `requests        ${counts(report.requests)}`,
    `repeats         ${report.repeats} of what Stripe had, none billed again`,
    `faults          ${counts(report.faults)}`,
    `reported        ${counts(report.reported) || 'nothing'}`,
    `time            ${seconds(report.killingMs)} killing, ${seconds(report.drainingMs)} until all was delivered`,
    ...table,
    problems.length === 0
      ? `billed = recorded, to the token, in all ${rows.length} sums of a customer, model and type`
      : `${problems.length} PROBLEMS\n  ${problems.slice(0, 20).join('\n  ')}`,
  ].join('\n')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function counts(of: Readonly<Record<string, number>>): string {
  const total = sum(Object.values(of))
  const each = Object.entries(of).map(([name, count]) => `${name}: ${count}`)
  return each.length === 0 ? '' : `${total} (${each.join(', ')})`
}

function pad(value: number): string {
  return String(value).padStart(10)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
