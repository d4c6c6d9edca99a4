import type { TokenType } from '@token-meter/core'
import { tokenTypes } from '@token-meter/core/wire'
import { styleText } from 'node:util'
import type { BillLine } from './bill.ts'
import type { BillCheck } from './check-bill.ts'
import { examplePrices, pricedAs } from './prices.ts'
import { type Column, printTable, tokenHeadings, wholeNumber } from './table.ts'
import { print, printNote } from './terminal.ts'

export function showBill(lines: readonly BillLine[]): void {
  const types = typesIn(lines)
  const sum = lines.reduce((total, { microdollars }) => total + microdollars, 0)
  printTable(
    [
      ['customer', 'left'],
      ['model', 'left'],
      ...types.map((type): Column => [tokenHeadings[type], 'right']),
      ['amount', 'right'],
    ],
    [
      ...lines.map(({ customer, model, tokens, microdollars }) => [
        customer,
        model,
        ...types.map((type) => wholeNumber(tokens[type])),
        dollars(microdollars),
      ]),
      ['total', '', ...types.map(() => ''), styleText('bold', dollars(sum))],
    ],
  )
  if (lines.length > 0) showPrices(lines, types)
}

/** Only the rows and columns that the bill uses. */
function showPrices(lines: readonly BillLine[], types: readonly TokenType[]): void {
  const used = new Set(lines.map(({ model }) => pricedAs(model)))
  printNote('Example prices, made up for this demo (prices.ts), in $ for a million tokens:')
  printTable(
    [['model', 'left'], ...types.map((type): Column => [tokenHeadings[type], 'right'])],
    Object.entries(examplePrices)
      .filter(([model]) => used.has(model))
      .map(([model, price]) => [model, ...types.map((type) => price[type].toFixed(2))]),
  )
}

export function showCheck({ recordedTokens, billedTokens, events, problems }: BillCheck): void {
  print()
  const sums = `${wholeNumber(recordedTokens)} tokens recorded, ${wholeNumber(billedTokens)} billed`
  if (problems.length === 0) {
    print(styleText('green', `  ✔ ${sums}, in ${events} meter events, each of them once.`))
    return
  }
  print(styleText('red', `  ✘ ${sums}. The bill is wrong:`))
  for (const problem of problems) print(`    ${problem}`)
}

function typesIn(lines: readonly BillLine[]): readonly TokenType[] {
  return tokenTypes
    .map(({ type }) => type)
    .filter((type) => lines.some(({ tokens }) => tokens[type] > 0))
}

function dollars(microdollars: number): string {
  return `$${(microdollars / 1_000_000).toFixed(6)}`
}
