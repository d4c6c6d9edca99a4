/** How long a pool's limit is for; then it begins again. */
export type Period = 'hour' | 'day' | 'week' | 'month'

/** Formats are dear to make, and there are few time zones. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** @throws RangeError for a time zone that there is not. */
export function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      timeZoneName: 'longOffset',
    })
    formats.set(timeZone, format)
  }
  return format
}

/**
 * The name of the period that a moment is in, by the clocks of a time zone: `2026-11`, `2026-11-29`,
 * the Monday of a week, or `2026-10-25T02+01:00`, since an hour can come twice. Names and not times:
 * where a day begins at one is of no matter then.
 * @param at ms since the epoch.
 */
export function periodName(period: Period, at: number, timeZone: string): string {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
  for (const { type, value } of zoneFormat(timeZone).formatToParts(at)) parts[type] = value
  const { year = '', month = '', day = '', hour = '', timeZoneName = '' } = parts
  switch (period) {
    case 'month':
      return `${year}-${month}`
    case 'day':
      return `${year}-${month}-${day}`
    case 'hour':
      return `${year}-${month}-${day}T${hour}${timeZoneName.replace('GMT', '') || '+00:00'}`
    case 'week':
      return mondayOf(Number(year), Number(month), Number(day))
  }
}

/** As a day of the calendar, which has no time zone. */
function mondayOf(year: number, month: number, day: number): string {
  const date = new Date(Date.UTC(year, month - 1, day))
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  return `W${date.toISOString().slice(0, 10)}`
}
