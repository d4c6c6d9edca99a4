/** True for a number in digits, 0 or more: what Lago sums up. It ignores one with an exponent. */
export function isDecimal(text: unknown): text is string {
  return typeof text === 'string' && /^\d{1,24}(?:\.\d+)?$/.test(text)
}

/** An amount in its hundredths, exactly: `'0.0012345'` is `'0.12345'`. */
export function inCents(decimal: string): string {
  const [units = '0', fraction = ''] = decimal.split('.')
  const digits = fraction.padEnd(2, '0')
  const whole = `${units}${digits.slice(0, 2)}`.replace(/^0+(?=\d)/, '')
  const rest = digits.slice(2).replace(/0+$/, '')
  return rest === '' ? whole : `${whole}.${rest}`
}
