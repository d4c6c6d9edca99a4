const places = 40
const unit = 10n ** BigInt(places)

/** The exact sum of decimals, as numbers or as texts such as `'0.0012'`; `undefined` for others. */
export function addDecimals(sum: string, value: unknown): string | undefined {
  const scaled = parse(value)
  const before = parse(sum)
  return scaled === undefined || before === undefined ? undefined : write(before + scaled)
}

function parse(value: unknown): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value))
  const [, sign = '', whole = '', fraction = ''] = match ?? []
  if (match === null || fraction.length > places) return undefined
  const scaled = BigInt(whole) * unit + BigInt(fraction.padEnd(places, '0'))
  return sign === '-' ? -scaled : scaled
}

function write(scaled: bigint): string {
  const size = scaled < 0n ? -scaled : scaled
  const fraction = (size % unit).toString().padStart(places, '0').replace(/0+$/, '')
  return `${scaled < 0n ? '-' : ''}${size / unit}${fraction === '' ? '' : `.${fraction}`}`
}
