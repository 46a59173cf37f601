/** Writes DER, as far as a certificate needs it. */

const length = (size: number): Buffer => {
  if (size < 0x80) return Buffer.from([size])
  const digits = size.toString(16)
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

const encode = (tag: number, ...content: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), length(body.length), body])
}

export const sequence = (...items: ReadonlyArray<Uint8Array>): Buffer => encode(0x30, ...items)
export const set = (...items: ReadonlyArray<Uint8Array>): Buffer => encode(0x31, ...items)
/** `[n]` around a value. */
export const explicit = (n: number, content: Uint8Array): Buffer => encode(0xa0 | n, content)
/** `[n]` in place of a value's own tag. */
export const implicit = (n: number, content: Uint8Array): Buffer => encode(0x80 | n, content)
export const boolean = (value: boolean): Buffer => encode(0x01, Buffer.from([value ? 0xff : 0]))
/** A positive integer, of its bytes. */
export const integer = (bytes: Uint8Array): Buffer =>
  encode(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
export const octets = (content: Uint8Array): Buffer => encode(0x04, content)
/** `unused`: the number of bits of the last byte that do not count. */
export const bits = (content: Uint8Array, unused = 0): Buffer => encode(0x03, Buffer.from([unused]), content)
export const text = (value: string): Buffer => encode(0x0c, Buffer.from(value))

const base128 = (value: number): ReadonlyArray<number> => {
  const digits = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f))
  return digits
}

/** `2.5.29.17` */
export const oid = (name: string): Buffer => {
  const [first = 0, second = 0, ...rest] = name.split('.').map(Number)
  return encode(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]))
}

/** GeneralizedTime from 2050 on, UTCTime before, as RFC 5280 requires. */
export const time = (date: Date): Buffer => {
  const digits = date.toISOString().replace(/\D/g, '').slice(0, 14)
  return date.getUTCFullYear() < 2050
    ? encode(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : encode(0x18, Buffer.from(`${digits}Z`))
}

export const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd()}\n-----END ${label}-----\n`
