/** stdout has what was asked for, stderr everything else. */
import { stripVTControlCharacters } from 'node:util'

export function print(text: string): void {
  process.stdout.write(`${isPlain(process.stdout) ? stripVTControlCharacters(text) : text}\n`)
}

/** One document. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export function say(text: string): void {
  process.stderr.write(`${isPlain(process.stderr) ? stripVTControlCharacters(text) : text}\n`)
}

/** https://no-color.org: set, to whatever. */
function isPlain({ isTTY }: { readonly isTTY?: boolean }): boolean {
  return isTTY !== true || (process.env['NO_COLOR'] ?? '') !== ''
}

/** Rows under their headings, each column as wide as it needs. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const all = [headings, ...rows.map((row) => row.map((cell) => oneLine(cell ?? '-')))]
  const widths = headings.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What others wrote may have control characters, which a terminal would obey. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Zl}|\p{Zp}/gu, '\uFFFD')
}
