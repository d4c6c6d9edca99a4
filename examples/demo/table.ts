import Table from 'cli-table3'
import type { TokenType } from '@token-meter/core'
import { styleText } from 'node:util'
import { print } from './terminal.ts'

/** A column: its heading, and how its cells are aligned. */
export type Column = readonly [heading: string, align: 'left' | 'right']

export const tokenHeadings: Readonly<Record<TokenType, string>> = {
  input: 'input',
  cached_input: 'cached',
  cached_write: 'cache write',
  output: 'output',
}

export function wholeNumber(count: number): string {
  return count.toLocaleString('en-US')
}

const borders = 'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right'
const insides = 'left left-mid middle right right-mid'
const nothing = Object.fromEntries(`${borders} ${insides}`.split(' ').map((name) => [name, '']))

/** A table without a cage: a line under the headings is enough. */
export function printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  const table = new Table({
    head: columns.map(([heading]) => styleText('bold', heading)),
    colAligns: columns.map(([, align]) => align),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: { ...nothing, mid: '─', 'mid-mid': '─' },
  })
  table.push(...rows.map((row) => [...row]))
  print()
  for (const line of table.toString().split('\n')) print(`  ${line.trimEnd()}`)
}
