/**
 * The exact sum of two decimals such as `'0.0012'`, without zeros at its end.
 * @throws RangeError for what is none, such as `'1e-7'`.
 */
export function addDecimals(a: string, b: string): string {
  const [left, right] = [parts(a), parts(b)]
  const places = Math.max(left.places, right.places)
  const scaled = ({ digits, places: own }: Decimal) => digits * 10n ** BigInt(places - own)
  const sum = scaled(left) + scaled(right)
  const text = (sum < 0n ? -sum : sum).toString().padStart(places + 1, '0')
  const whole = text.slice(0, text.length - places)
  const fraction = text.slice(text.length - places).replace(/0+$/, '')
  return `${sum < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** Whether a value is a decimal, as a number or as text. */
export function isDecimal(value: unknown): boolean {
  return decimal.test(String(value))
}

const decimal = /^(-?)(\d+)(?:\.(\d+))?$/

interface Decimal {
  readonly digits: bigint
  readonly places: number
}

function parts(text: string): Decimal {
  const [, sign = '', whole = '', fraction = ''] = decimal.exec(text) ?? []
  if (whole === '') throw new RangeError(`not a decimal: ${text}`)
  return { digits: BigInt(`${sign}${whole}${fraction}`), places: fraction.length }
}
