/** Counters and histograms in memory, and the text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/ */

/** The values of a family's labels, in the order of their names. */
type LabelValues = readonly string[]

/** Beyond so many values of its labels, a family counts what is new under `other`: it can never fill the memory. */
const maxSeries = 1000

/** Joins values of labels to a key: none of them has it. */
const separator = '\u0000'

/** Whatever is shown as a family of series. */
export interface Family {
  text(): string
}

export class Counter implements Family {
  readonly #head: Head
  readonly #series = new Map<string, { readonly labels: string; value: number }>()

  constructor(name: string, help: string, labels: readonly string[] = []) {
    this.#head = { name, help, type: 'counter', labels }
    // One without labels is there from the beginning, as 0.
    if (labels.length === 0) this.add([], 0)
  }

  add(values: LabelValues, amount = 1): void {
    seriesOf(this.#series, this.#head, values, (labels) => ({ labels, value: 0 })).value += amount
  }

  text(): string {
    const { name } = this.#head
    return lines(
      this.#head,
      [...this.#series.values()].map(({ labels, value }) => `${name}${inBraces(labels)} ${value}`),
    )
  }
}

/** Of money: added up exactly, whatever the reader makes of it. */
export class DecimalCounter implements Family {
  readonly #head: Head
  readonly #series = new Map<string, { readonly labels: string; value: bigint }>()

  constructor(name: string, help: string, labels: readonly string[]) {
    this.#head = { name, help, type: 'counter', labels }
  }

  /** @param amount decimal text from 0 up; what is smaller than 10⁻¹⁵ is left out. */
  add(values: LabelValues, amount: string): void {
    const [, whole, part = ''] = /^(\d+)(?:\.(\d+))?$/.exec(amount) ?? []
    if (whole === undefined) return
    seriesOf(this.#series, this.#head, values, (labels) => ({ labels, value: 0n })).value += BigInt(
      whole + part.slice(0, decimals).padEnd(decimals, '0'),
    )
  }

  text(): string {
    const { name } = this.#head
    return lines(
      this.#head,
      [...this.#series.values()].map(
        ({ labels, value }) => `${name}${inBraces(labels)} ${decimalText(value)}`,
      ),
    )
  }
}

const decimals = 15

function decimalText(parts: bigint): string {
  const text = `${parts}`.padStart(decimals + 1, '0')
  return `${text.slice(0, -decimals)}.${text.slice(-decimals)}`.replace(/\.?0+$/, '')
}

export class Histogram implements Family {
  readonly #head: Head
  readonly #bounds: readonly number[]
  readonly #series = new Map<
    string,
    { readonly labels: string; readonly counts: number[]; sum: number; count: number }
  >()

  /** @param bounds upper ones of its buckets, rising. */
  constructor(name: string, help: string, labels: readonly string[], bounds: readonly number[]) {
    this.#head = { name, help, type: 'histogram', labels }
    this.#bounds = bounds
  }

  observe(values: LabelValues, value: number): void {
    const series = seriesOf(this.#series, this.#head, values, (labels) => ({
      labels,
      counts: this.#bounds.map(() => 0),
      sum: 0,
      count: 0,
    }))
    series.sum += value
    series.count++
    const at = this.#bounds.findIndex((bound) => value <= bound)
    if (at !== -1) series.counts[at]!++
  }

  text(): string {
    const { name } = this.#head
    const rows = [...this.#series.values()].flatMap(({ labels, counts, sum, count }) => {
      let below = 0
      const before = labels === '' ? '' : `${labels},`
      return [
        ...this.#bounds.map(
          (bound, at) => `${name}_bucket{${before}le="${bound}"} ${(below += counts[at]!)}`,
        ),
        `${name}_bucket{${before}le="+Inf"} ${count}`,
        `${name}_sum${inBraces(labels)} ${sum}`,
        `${name}_count${inBraces(labels)} ${count}`,
      ]
    })
    return lines(this.#head, rows)
  }
}

/** What is as it is now: asked for when it is shown. */
export function gauge(
  name: string,
  help: string,
  rows: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[],
  type: 'gauge' | 'counter' = 'gauge',
): string {
  const shown = rows.map(({ labels = {}, value }) => {
    const names = Object.keys(labels)
    return `${name}${inBraces(labelText(names, Object.values(labels)))} ${value}`
  })
  return lines({ name, help, type, labels: [] }, shown)
}

interface Head {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labels: readonly string[]
}

function lines({ name, help, type }: Head, rows: readonly string[]): string {
  if (rows.length === 0) return ''
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${rows.join('\n')}\n`
}

function seriesOf<Series>(
  series: Map<string, Series>,
  { labels }: Head,
  values: LabelValues,
  make: (labels: string) => Series,
): Series {
  const key = values.join(separator)
  const found = series.get(key)
  if (found !== undefined) return found
  if (series.size >= maxSeries) {
    const others = values.map(() => 'other')
    if (values.some((value) => value !== 'other'))
      return seriesOf(series, { labels } as Head, others, make)
  }
  const made = make(labelText(labels, values))
  series.set(key, made)
  return made
}

function labelText(names: readonly string[], values: LabelValues): string {
  return names.map((name, at) => `${name}="${escaped(values[at] ?? '')}"`).join(',')
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}
