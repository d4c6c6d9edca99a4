import { optionCheck, type OptionCheck } from '@token-meter/core/sink'

export const checkOption: OptionCheck = optionCheck('openMeterSink')

/** More than white space. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** Visible ASCII, which a URI reference and a key have only. */
export function isVisible(value: unknown): boolean {
  return typeof value === 'string' && /^[!-~]+$/.test(value)
}
