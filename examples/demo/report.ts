import type { UsageRecord } from '@token-meter/core'
import { tokenTypes } from '@token-meter/core/wire'
import { styleText } from 'node:util'
import type { ReceivedEvent } from './stripe-account.ts'
import { type Column, printTable, tokenHeadings, wholeNumber } from './table.ts'
import { print, printCode, printHeading, printNote } from './terminal.ts'

export function showServices(services: Readonly<Record<string, string>>): void {
  printHeading('token-meter: calls of an LLM become a bill')
  print()
  for (const [name, description] of Object.entries(services)) {
    print(`  ${styleText('dim', name.padEnd(10))}${description}`)
  }
}

export function showUsage(records: readonly UsageRecord[]): void {
  const types = tokenTypes.filter(({ count }) => records.some(({ tokens }) => tokens[count] > 0))
  printTable(
    [
      ['customer', 'left'],
      ['endpoint', 'left'],
      ['model', 'left'],
      ...types.map(({ type }): Column => [tokenHeadings[type], 'right']),
      ['outcome', 'left'],
    ],
    records.map(({ customer, endpoint, model, tokens, outcome }) => [
      shortCustomer(customer ?? 'nobody'),
      endpoint,
      model,
      ...types.map(({ count }) => wholeNumber(tokens[count])),
      outcome === 'complete' ? outcome : styleText('yellow', outcome),
    ]),
  )
  printNote('input is without what came from the cache; output is with reasoning.')
  if (records.some(({ outcome }) => outcome === 'estimated')) {
    printNote(
      'estimated: the stream was stopped before the provider told its usage, so the tokens were ' +
        "counted from the text, and the record says so. All other counts are the provider's own.",
    )
  }
}

/** What the meter had to report. None of it reached the calls. */
export function showFaults(faults: readonly string[]): void {
  for (const fault of faults) printNote(`onError() was told: ${fault}`)
}

export function showEvents(events: readonly ReceivedEvent[]): void {
  printTable(
    [
      ['identifier', 'left'],
      ['stripe_customer_id', 'left'],
      ['model', 'left'],
      ['token_type', 'left'],
      ['value', 'right'],
    ],
    events.map(({ identifier, customer, model, tokenType, value }) => [
      shortened(identifier),
      customer,
      model,
      tokenType,
      wholeNumber(value),
    ]),
  )
}

export function showLedger(path: string): void {
  printNote(
    'The outbox stays as a ledger: each record, with the usage object as the provider sent it, and ' +
      'nothing that anybody wrote. To look into it:',
  )
  printCode(`sqlite3 ${path} 'SELECT body FROM records'`)
  print()
}

/** Real customer ids would make the table too wide. */
function shortCustomer(customer: string): string {
  return customer.length <= 12 ? customer : `${customer.slice(0, 4)}…${customer.slice(-6)}`
}

/** The end of a record's id, which tells records apart, and the token type. */
function shortened(identifier: string): string {
  const [record = '', type] = identifier.split(':')
  return `…${record.slice(-8)}:${type}`
}
