import type { Figure } from './measure/paired.ts'
import type { CallRow, FigureName } from './report.ts'
import type { SdkName } from './sdk/sdk.ts'

interface Column {
  readonly title: string
  readonly name: FigureName
}

const columns: readonly Column[] = [
  { title: 'ns/event parsed', name: 'parsed' },
  { title: 'ns/event HTTP', name: 'stream' },
  { title: 'µs/call in process', name: 'callInProcess' },
  { title: 'µs/call HTTP', name: 'call' },
  { title: 'calls/s, 8 at once', name: 'concurrent' },
  { title: 'µs wrap', name: 'wrap' },
  { title: 'µs wrap and use', name: 'firstUse' },
  { title: 'KB a stream', name: 'heap' },
  { title: 'µs to first event', name: 'firstToken' },
  { title: 'ms break to close', name: 'close' },
]

/** The SDKs by the names and versions that a heading has. */
export type SdkTitles = Readonly<Record<SdkName, string>>

/** A Markdown table for each SDK. */
export function callTables(rows: readonly CallRow[], titles: SdkTitles): string[] {
  const sdks = [...new Set(rows.map(({ sdk }) => sdk))]
  return sdks.flatMap((sdk) => [
    `### ${titles[sdk]}`,
    '',
    ...aligned(table(rows.filter((row) => row.sdk === sdk))),
    '',
  ])
}

function table(rows: readonly CallRow[]): string[][] {
  const head = ['', 'counts', ...columns.map(({ title }) => title)]
  const base = rows.find(({ figures }) => figures.call !== undefined)
  const raw = ['raw SDK', '', ...columns.map((column) => rawCell(column, base))]
  return [head, ...(base === undefined ? [] : [raw]), ...rows.map(cells)]
}

function rawCell({ name }: Column, row: CallRow | undefined): string {
  const median = row?.figures[name]?.raw.median
  if (median === undefined || name === 'wrap' || name === 'firstUse') return ''
  return name === 'concurrent' ? whole(1e6 / median) : number(median)
}

function cells(row: CallRow): string[] {
  const { subject, version, meters, figures, failures } = row
  const name = version === undefined ? subject : `${subject} ${version}`
  if (failures['load'] !== undefined) return [name, failures['load'].replaceAll(/\s+/g, ' ')]
  const counts = [meters?.calls && 'calls', meters?.streams && 'streams'].filter(Boolean)
  return [
    name,
    counts.join(', ') || 'nothing',
    ...columns.map(({ name }) => cell(name, figures[name], failures[name])),
  ]
}

function cell(name: FigureName, figure: Figure | undefined, failure: string | undefined): string {
  if (failure !== undefined) return name === 'close' && /never/.test(failure) ? 'never' : 'failed'
  if (figure === undefined) return ''
  const { raw, difference } = figure
  if (name === 'concurrent') return whole(1e6 / (raw.median + difference.median))
  const { median, lower, upper } = difference
  return `${median < 0 ? '' : '+'}${number(median)} ±${number((upper - lower) / 2)}`
}

function number(value: number): string {
  return Math.abs(value) < 10 ? value.toFixed(1) : whole(value)
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Lines of a Markdown table that can also be read as it is. */
function aligned(rows: readonly string[][]): string[] {
  const widths = columnWidths(rows)
  const [head = [], ...body] = rows
  const rule = widths.map((width, index) =>
    index < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [head, rule, ...body].map((row) => {
    const padded = widths.map((width, index) => {
      const text = row[index] ?? ''
      return index < 2 ? text.padEnd(width) : text.padStart(width)
    })
    return `| ${padded.join(' | ')} |`
  })
}

function columnWidths(rows: readonly string[][]): number[] {
  const count = Math.max(...rows.map((row) => row.length))
  return Array.from({ length: count }, (_, index) =>
    Math.max(3, ...rows.map((row) => (row[index] ?? '').length)),
  )
}
