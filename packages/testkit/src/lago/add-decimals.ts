/** The exact sum of two numbers in digits. */
export function addDecimals(a: string, b: string): string {
  const places = Math.max(fraction(a).length, fraction(b).length)
  const sum = scaled(a, places) + scaled(b, places)
  const digits = String(sum < 0n ? -sum : sum).padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const rest = digits.slice(digits.length - places).replace(/0+$/, '')
  return `${sum < 0n ? '-' : ''}${whole}${rest === '' ? '' : `.${rest}`}`
}

function fraction(decimal: string): string {
  return decimal.split('.')[1] ?? ''
}

function scaled(decimal: string, places: number): bigint {
  const [whole = '0'] = decimal.split('.')
  return BigInt(whole + fraction(decimal).padEnd(places, '0'))
}
