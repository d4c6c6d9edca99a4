import type { CrashReport } from './crash-report.ts'

/** A report as lines for people. */
export function reportLines(report: CrashReport): string {
  const { rows, problems, killedIn } = report
  const customers = Map.groupBy(rows, ({ customer }) => customer)
  const table = [...customers].toSorted().map(([customer, own]) => {
    const recorded = sum(own.map((row) => row.recorded))
    const billed = sum(own.map((row) => row.billed))
    const isSame = own.every((row) => row.recorded === row.billed)
    const verdict = isSame ? `equal in all ${own.length} sums` : 'DIFFERENT'
    return `  ${customer}  recorded ${pad(recorded)}  billed ${pad(billed)}  ${verdict}`
  })
  return [
    `run             ${report.outbox}, Stripe ${report.api}${report.aggregate ? ', aggregated' : ''}, seed ${report.seed}`,
    `kills           ${report.kills}`,
    `killed in       ${each(killedIn)} (one process can be in several)`,
    `model answers   ${report.answers}, to ${report.answersUnrecorded} the process died before it had recorded them`,
    `calls resolved  ${report.resolved}, ${report.acknowledged} of them acknowledged by then; of the others ${report.unacknowledgedLost} are not recorded`,
    `records         ${report.records} (${each(report.stats)})`,
    `meter events    ${report.meterEvents} for ${report.counts} counts, ${report.meterEventsByThen} of them while processes were killed`,
    `tokens          ${report.tokens}`,
    `requests        ${counts(report.requests)}, ${report.requestsByThen} of them by then`,
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

function each(of: object): string {
  return Object.entries(of)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ')
}

function counts(of: Readonly<Record<string, number>>): string {
  const total = sum(Object.values(of))
  return total === 0 ? '' : `${total} (${each(of)})`
}

function pad(value: number): string {
  return String(value).padStart(10)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
