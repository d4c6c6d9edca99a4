/** The sum of amounts such as `'0.0012345'`, exactly. */
export function exactSum(amounts: readonly string[]): string {
  const places = Math.max(0, ...amounts.map((amount) => fractionOf(amount).length))
  let sum = 0n
  for (const amount of amounts) {
    const [whole = '0'] = amount.split('.')
    sum += BigInt(`${whole}${fractionOf(amount).padEnd(places, '0')}`)
  }
  const digits = String(sum < 0n ? -sum : sum).padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  return `${sum < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

function fractionOf(amount: string): string {
  return amount.split('.')[1] ?? ''
}
