/** Whether what came out of an answer is what the answer said: judged from its bytes, without the library. */
import { crc32 } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CosError } from '../../lib/core/error.js'
import { formatError } from '../../lib/core/format-error.js'
import { secretKey } from '../support/server.js'
import type { Mutant } from './mutants.js'
import type { At, Subject } from './targets.js'

/** What is wrong with a result; nothing where it is true. */
export type Complaints = ReadonlyArray<string>

/** CRC-64/XZ a bit at a time, so as not to be judged by the library's own. */
export const crcOf = (bytes: Uint8Array): bigint => {
  let crc = 0xffffffffffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n
  }
  return crc ^ 0xffffffffffffffffn
}

/** A Select's records by the length, the checksums and the type of each frame; none where it did not come to its end. */
const recordsOf = (stream: Buffer): Buffer | undefined => {
  const records: Array<Buffer> = []
  for (let at = 0; at + 16 <= stream.length;) {
    const size = stream.readUInt32BE(at)
    const headers = stream.readUInt32BE(at + 4)
    const frame = stream.subarray(at, at + size)
    if (size < 16 || frame.length < size || headers > size - 16) return undefined
    if (crc32(frame.subarray(0, 8)) !== frame.readUInt32BE(8)) return undefined
    if (crc32(frame.subarray(0, -4)) !== frame.readUInt32BE(size - 4)) return undefined
    const named = frame.subarray(12, 12 + headers).toString('latin1')
    if (named.includes('Records')) records.push(frame.subarray(12 + headers, -4))
    if (named.includes('End')) return Buffer.concat(records)
    at += size
  }
  return undefined
}

// -- what was said --
const unescaped = (text: string): string =>
  text
    .replace(/&#(?:x([0-9a-f]+)|([0-9]+));/gi, (all, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : parseInt(hex, 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : all
    })
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

const unquoted = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (coded) => Buffer.from(coded.replaceAll('%', ''), 'hex').toString())

const lines = (text: string): string => text.replace(/\r\n?/g, '\n')

/** All texts that the bytes could mean: marked up or not, escaped or not, percent-encoded or not. */
const meanings = ({ payload, head }: Mutant, at: At): ReadonlyArray<string> => {
  const said = lines(String(payload))
  const bare = said
    .replace(/<!--[^]*?-->|<\?[^]*?\?>|<a\/>|<!\[CDATA\[|\]\]>/g, '')
    .replace(/<\/?Contents><\/Contents>/g, '')
  const texts = [said, bare.replace(/<[^>]*>/g, ' '), bare.replace(/<[^>]*>/g, '')]
  return [
    String(payload),
    ...texts,
    ...texts.map(unescaped),
    ...texts.map((text) => unquoted(unescaped(text))),
    ...[head.toString('latin1'), String(head)].map(lines),
    JSON.stringify(at)
  ]
}

/** Words of our own, and of the input, that no answer needs to say. */
const ours = new Set(['STANDARD', 'url', 'NoChecksum', 'Range', 'Unread', 'Other', 'COS', 'KMS', 'C'])

/** Names of ours, and what is counted from the bytes, which are judged by themselves. */
const skipped = new Set(['_tag', 'type', 'outcome', 'integrity', 'contentLength', 'context'])

const secondOf = (spelt: string): number => Math.floor(Date.parse(spelt) / 1000)

/** Whatever is decoded is something, and something that was said. */
const sayings = (value: unknown, texts: ReadonlyArray<string>): Complaints => {
  const numbers = new Set(texts.flatMap((text) => text.match(/\d+/g) ?? []).map(Number))
  const spelt = texts.flatMap((text) => text.match(/[\dTZ:.-]{19,}|[A-Z][a-z]{2},? [\w :]{16,24}/g) ?? [])
  const moments = new Set([...new Set(spelt)].flatMap((one) => [one, `${one}Z`, `${one} GMT`]).map(secondOf))
  const look = (u: unknown, path: string): Complaints => {
    const complain = (problem: string): Complaints => [`${path}: ${problem}`]
    switch (typeof u) {
      case 'undefined':
        return complain('is undefined')
      case 'number':
        if (!Number.isSafeInteger(u) || u < 0) return complain(`is ${String(u)}`)
        return numbers.has(u) || u <= 1 || u === 1000 ? [] : complain(`nobody said ${String(u)}`)
      case 'bigint':
        return texts.some((text) => text.includes(String(u))) ? [] : complain(`nobody said ${String(u)}`)
      case 'string':
        // A header that came twice is one, with a comma.
        return u.split(', ').every((part) => texts.some((text) => text.includes(part))) ||
          ours.has(u) ||
          texts.some((text) => text.includes(u))
          ? []
          : complain(`nobody said ${JSON.stringify(u.slice(0, 200))}`)
      case 'boolean':
      case 'function':
        return []
      default:
    }
    if (u === null) return complain('is null')
    if (u instanceof Date) {
      if (Number.isNaN(u.getTime())) return complain('is no date')
      return moments.has(Math.floor(u.getTime() / 1000)) ? [] : complain(`nobody said ${u.toISOString()}`)
    }
    if (u instanceof Uint8Array) return []
    return Object.entries(u as object).flatMap(([name, one]) =>
      skipped.has(name) ? [] : look(one, `${path}.${name}`)
    )
  }
  return look(value, 'result')
}

// -- bytes --
interface Read {
  readonly raw?: Readonly<Record<string, string>>
  readonly outcome?: { readonly _tag?: string; readonly crc64?: bigint }
  readonly integrity?: { readonly _tag: string; readonly crc64?: bigint }
  readonly bytes?: Buffer
  readonly contentLength?: O.Option<number>
  readonly size?: O.Option<number> | number
}

const bytesHold = (subject: Subject, mutant: Mutant, sum: bigint, read: Read): Complaints => {
  const { bytes, outcome, raw, integrity } = read
  const complaints: Array<string> = []
  const told = raw?.['x-cos-hash-crc64ecma']
  if (integrity?._tag === 'Verified' && told !== String(sum))
    complaints.push(`verified against ${String(told)}`)
  if (bytes === undefined) return complaints
  if (subject.name === 'selectObjectContent') {
    if (recordsOf(mutant.payload)?.equals(bytes) !== true) complaints.push('other records than were sent')
    return complaints
  }
  if (outcome?._tag === 'Verified' && (told !== String(crcOf(bytes)) || outcome.crc64 !== crcOf(bytes))) {
    complaints.push(`verified, with ${String(crcOf(bytes))} against ${String(told)}`)
  }
  const length = typeof read.size === 'number' ? read.size : read.contentLength
  const expected =
    typeof length === 'number' ? length : length !== undefined && O.isSome(length) ? length.value : undefined
  if (expected !== undefined && expected !== bytes.length) {
    complaints.push(`${String(bytes.length)} bytes where ${String(expected)} were promised`)
  }
  return complaints
}

const rightHolds = (subject: Subject, mutant: Mutant, at: At, sum: bigint, value: unknown): Complaints => {
  const { root } = subject
  const complaints: Array<string> = []
  const said = String(mutant.payload)
  if (root !== undefined && subject.name !== 'createMultipartUpload') {
    if (!said.includes(`</${root}`) && !said.includes(`<${root}/>`))
      complaints.push('an answer without an end')
  }
  if (root !== undefined && mutant.cut && subject.name !== 'createMultipartUpload') {
    const end = `</${root}>`
    if (!said.trimEnd().endsWith(end) && !said.includes(end)) complaints.push('an answer that was cut')
  }
  const read: Read = typeof value === 'object' && value !== null ? value : {}
  // A download's answers are several; its bytes are judged alone.
  if (subject.name !== 'downloadStream') complaints.push(...sayings(value, meanings(mutant, at)))
  return [...complaints, ...bytesHold(subject, mutant, sum, read)]
}

// -- failures --
const known = new Set<CosError['_tag']>([
  'ServiceError',
  'DecodeError',
  'TransportError',
  'Timeout',
  'IntegrityError',
  'ObjectChanged'
])

const leftHolds = (subject: Subject, at: At, error: CosError): Complaints => {
  const { operation, bucket, key, attempts } = error.context
  const complaints: Array<string> = []
  const wanted = subject.onBucket ? O.none : O.some(at.key)
  const actions = [subject.action, subject.name, ...(subject.name === 'downloadStream' ? ['HeadObject'] : [])]
  if (!known.has(error._tag)) complaints.push(`a ${error._tag}`)
  if (!actions.includes(operation)) complaints.push(`of ${operation}`)
  if (bucket !== at.bucket) complaints.push(`of the bucket ${bucket}`)
  if (O.isSome(key) !== O.isSome(wanted) || (O.isSome(key) && key.value !== at.key))
    complaints.push('of another key')
  // A clock that was put right is a second attempt.
  if (!(attempts >= 0 && attempts <= 2)) complaints.push(`after ${String(attempts)} attempts`)
  if (error._tag === 'ServiceError' && !(error.status >= 100 && error.code !== ''))
    complaints.push('without a status or a code')
  const line = formatError(error)
  if (line.includes('\n')) complaints.push('described in more than a line')
  if (line.includes(secretKey)) complaints.push('tells a secret')
  return complaints
}

export const complaintsOf = (
  subject: Subject,
  mutant: Mutant,
  at: At,
  sum: bigint,
  result: E.Either<CosError, unknown>
): Complaints =>
  E.isLeft(result) ? leftHolds(subject, at, result.left) : rightHolds(subject, mutant, at, sum, result.right)
