/** How COS writes a date, a byte count, a checksum: codecs from the text on the wire to its value. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { problems } from './problem.js'

const fromText = <A>(
  expected: string,
  is: t.Is<A>,
  read: (text: string) => A | undefined,
  encode: (value: A) => string
): t.Type<A, string, unknown> =>
  new t.Type(
    expected,
    is,
    (u, context) => {
      if (typeof u !== 'string') return t.failure(u, context, expected)
      const value = read(u)
      return value === undefined ? t.failure(u, context, expected) : t.success(value)
    },
    encode
  )

const isDate = (u: unknown): u is Date => u instanceof Date && !Number.isNaN(u.getTime())
const isNumber = (u: unknown): u is number => typeof u === 'number'
const isBigint = (u: unknown): u is bigint => typeof u === 'bigint'
const isBoolean = (u: unknown): u is boolean => typeof u === 'boolean'

/** A count, of bytes or others: only digits, and not more than a double holds exactly. */
export const ByteCount: t.Type<number, string, unknown> = fromText(
  'a whole number',
  isNumber,
  (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  String
)

/** CRC64 as unsigned decimal text. A `bigint`, because it exceeds 2^53. */
export const Crc64: t.Type<bigint, string, unknown> = fromText(
  'a CRC64 in decimal',
  isBigint,
  (text) => {
    const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined
    return value !== undefined && value < 1n << 64n ? value : undefined
  },
  String
)

/** `true` or `false` in any case; COS's pages show both. */
export const Bool: t.Type<boolean, string, unknown> = fromText(
  'true or false',
  isBoolean,
  (text) => (/^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined),
  String
)

// Only these forms are dates: Node alone would accept `version 5` too. The group `zone` is the time zone, if there is one.
const dateForms = [
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?<zone>Z|[+-]\d\d:?\d\d)?)?$/,
  /^[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?<zone> GMT| UTC| [+-]\d{4})?$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d \d{4}$/
]

// RFC 850, which HTTP still allows: `Sunday, 06-Nov-94 08:49:37 GMT`.
const rfc850 = /^[A-Z][a-z]+day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d:\d\d:\d\d) GMT$/

/** Expands a year of two digits: all dates of COS are after 1970, and this form is not used for dates after 2069. */
const fromRfc850 = (text: string): string =>
  text.replace(
    rfc850,
    (_, day: string, month: string, year: string, time: string) =>
      `${day} ${month} ${year < '70' ? '20' : '19'}${year} ${time} GMT`
  )

// As COS writes dates in listings, of days that each month has.
const isoForm = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

const digitAt = (text: string, at: number): number => text.charCodeAt(at) - 48
const twoDigitsAt = (text: string, at: number): number => digitAt(text, at) * 10 + digitAt(text, at + 1)

/** By position: 0.6 us, where the forms below and Node's parser take 1.1 (Node 20). */
const readIsoDate = (text: string): Date | undefined =>
  isoForm.test(text)
    ? new Date(
        Date.UTC(
          twoDigitsAt(text, 0) * 100 + twoDigitsAt(text, 2),
          twoDigitsAt(text, 5) - 1,
          twoDigitsAt(text, 8),
          twoDigitsAt(text, 11),
          twoDigitsAt(text, 14),
          twoDigitsAt(text, 17),
          twoDigitsAt(text, 20) * 10 + digitAt(text, 22)
        )
      )
    : undefined

const readDate = (text: string): Date | undefined => readIsoDate(text) ?? readOtherDate(text)

const readOtherDate = (text: string): Date | undefined => {
  if (rfc850.test(text)) {
    const date = new Date(fromRfc850(text))
    return isDate(date) ? date : undefined
  }
  let form: RegExpExecArray | null = null
  for (const each of dateForms) if ((form ??= each.exec(text)) !== null) break
  if (form === null) return undefined
  // A time without a zone is UTC. Node would read it as local time.
  const zoned = form.groups?.['zone'] !== undefined ? text : `${text}${text.includes('T') ? 'Z' : ' GMT'}`
  const date = new Date(zoned)
  return isDate(date) ? date : undefined
}

/** A date in a header, to the second, in GMT: `Wed, 01 May 2024 08:31:00 GMT`. */
export const HttpDate: t.Type<Date, string, unknown> = fromText('an HTTP date', isDate, readDate, (date) =>
  date.toUTCString()
)

/**
 * The moment of a date in a header, in milliseconds of Unix time; none if the header is missing or is no date. All three
 * forms of HTTP are read. `Date.parse` takes one without a zone for the machine's own time.
 */
export const httpTime = (header: string | undefined): O.Option<number> => {
  const date = header === undefined ? undefined : readDate(header)
  return O.fromNullable(date?.getTime())
}

/**
 * A date in XML. COS writes ISO 8601 with milliseconds in lists, without milliseconds in copies, without a zone in part
 * copies, and asctime in old lists of uploads. A date without a zone is UTC.
 */
export const Timestamp: t.Type<Date, string, unknown> = fromText('a date', isDate, readDate, (date) =>
  date.toISOString()
)

/**
 * Decodes the values of `encoding-type=url`, once: only `%XX`, because a `+` is a plus. A percent sign that is no escape
 * stays, and bytes that are not UTF-8 become U+FFFD, so that one odd key does not fail a whole page.
 */
export const urlDecode = (text: string): string => {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8')
    )
  }
}

/** Decodes with a codec. The failures are texts. */
export const decodeWith =
  <A>(codec: t.Decoder<unknown, A>) =>
  (u: unknown): E.Either<ReadonlyArray<string>, A> =>
    E.mapLeft(problems)(codec.decode(u))
