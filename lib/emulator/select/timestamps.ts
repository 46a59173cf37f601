/** Timestamps of Select's SQL: ISO 8601 from a year to fractions of a second. */

export interface Timestamp {
  readonly _tag: 'Timestamp'
  /** Milliseconds of Unix time; finer fractions are cut off. */
  readonly time: number
}

const toTimestamp = (time: number): Timestamp | undefined =>
  Number.isFinite(time) ? { _tag: 'Timestamp', time } : undefined

const iso =
  /^\s*(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T|T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))?))\s*$/

const isDay = (year: number, month: number, day: number): boolean =>
  month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()

const offsetOf = (zone: string): number => {
  if (zone === 'Z') return 0
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number)
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** `2007T`, `2007-04T`, `2007-04-05`, `2007-04-05T14:30Z` and finer; a time requires an offset. */
export const readTimestamp = (text: string): Timestamp | undefined => {
  const match = iso.exec(text)
  if (match === null) return undefined
  const [
    ,
    year = '',
    month = '1',
    day = '1',
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '',
    zone = 'Z'
  ] = match
  const numbers = [hour, minute, second].map(Number)
  const [h = 0, m = 0, s = 0] = numbers
  if (!isDay(Number(year), Number(month), Number(day)) || h > 23 || m > 59 || s > 59) return undefined
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
  const utc = new Date(0)
  // Date.UTC maps the years 0 to 99 to 1900 to 1999.
  utc.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  utc.setUTCHours(h, m, s, milliseconds)
  return toTimestamp(utc.getTime() - offsetOf(zone))
}

/** In UTC, with milliseconds unless they are zero. */
export const writeTimestamp = ({ time }: Timestamp): string =>
  new Date(time).toISOString().replace('.000Z', 'Z')

const parts = [
  'year',
  'month',
  'day',
  'hour',
  'minute',
  'second',
  'timezone_hour',
  'timezone_minute'
] as const
export type Part = (typeof parts)[number]

export const partOf = (name: string): Part | undefined => parts.find((part) => part === name.toLowerCase())

/** Timestamps are stored in UTC, so their time zone is 0. */
export const extract = (part: Part, { time }: Timestamp): bigint => {
  const date = new Date(time)
  switch (part) {
    case 'year':
      return BigInt(date.getUTCFullYear())
    case 'month':
      return BigInt(date.getUTCMonth() + 1)
    case 'day':
      return BigInt(date.getUTCDate())
    case 'hour':
      return BigInt(date.getUTCHours())
    case 'minute':
      return BigInt(date.getUTCMinutes())
    case 'second':
      return BigInt(date.getUTCSeconds())
    case 'timezone_hour':
    case 'timezone_minute':
      return 0n
  }
}

const milliseconds: Readonly<Partial<Record<Part, number>>> = {
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000
}

const addMonths = (time: number, months: number): number => {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return date.setUTCDate(Math.min(day, last))
}

/** A month after 31 January is 28 February: the day is at most the last one of the month. */
export const dateAdd = (part: Part, quantity: number, { time }: Timestamp): Timestamp | undefined => {
  const unit = milliseconds[part]
  if (unit !== undefined) return toTimestamp(new Date(time + quantity * unit).getTime())
  if (part === 'year') return toTimestamp(addMonths(time, quantity * 12))
  return part === 'month' ? toTimestamp(addMonths(time, quantity)) : undefined
}

/** Whole units from `from` to `to`; negative if `to` is earlier. */
export const dateDiff = (part: Part, from: Timestamp, to: Timestamp): bigint | undefined => {
  const unit = milliseconds[part]
  if (unit !== undefined) return BigInt(Math.trunc((to.time - from.time) / unit))
  if (part !== 'year' && part !== 'month') return undefined
  const [a, b] = [new Date(from.time), new Date(to.time)]
  let months = (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth()
  if (months > 0 && addMonths(from.time, months) > to.time) months -= 1
  if (months < 0 && addMonths(from.time, months) < to.time) months += 1
  return BigInt(part === 'month' ? months : Math.trunc(months / 12))
}

// -- TO_STRING --
const months = 'January February March April May June July August September October November December'.split(
  ' '
)
const symbols = /'[^']*'|y{4}|yyy|yy|y|M{1,5}|dd?|a|hh?|HH?|mm?|ss?|S+|n|X{1,5}|x{1,5}|[A-Za-z]/g

const writeSymbol = (date: Date, mark: string): string | undefined => {
  const pad = (value: number): string => String(value).padStart(mark.length, '0')
  const month = months[date.getUTCMonth()] ?? ''
  switch (mark.charAt(0)) {
    case 'y':
      return mark === 'yy' ? String(date.getUTCFullYear() % 100).padStart(2, '0') : pad(date.getUTCFullYear())
    case 'M':
      if (mark.length < 3) return pad(date.getUTCMonth() + 1)
      return mark.length === 3 ? month.slice(0, 3) : mark.length === 4 ? month : month.charAt(0)
    case 'd':
      return pad(date.getUTCDate())
    case 'a':
      return date.getUTCHours() < 12 ? 'AM' : 'PM'
    case 'h':
      return pad(date.getUTCHours() % 12 || 12)
    case 'H':
      return pad(date.getUTCHours())
    case 'm':
      return pad(date.getUTCMinutes())
    case 's':
      return pad(date.getUTCSeconds())
    case 'S':
      return String(date.getUTCMilliseconds()).padStart(3, '0').padEnd(mark.length, '0').slice(0, mark.length)
    case 'n':
      return String(date.getUTCMilliseconds() * 1_000_000)
    case 'X':
      return 'Z'
    case 'x':
      return mark.length === 1 ? '+00' : mark.length % 2 === 0 ? '+0000' : '+00:00'
    default:
      return undefined
  }
}

/** Formats with a pattern such as `MMMM d, yyyy`; undefined if the pattern has an unknown letter. */
export const format = (pattern: string, { time }: Timestamp): string | undefined => {
  const date = new Date(time)
  const unknown: Array<string> = []
  const text = pattern.replace(symbols, (mark) => {
    if (mark.startsWith("'")) return mark.slice(1, -1)
    const text = writeSymbol(date, mark)
    if (text === undefined) unknown.push(mark)
    return text ?? ''
  })
  return unknown.length === 0 ? text : undefined
}
