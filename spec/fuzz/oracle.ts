/** Decides from a response's bytes, without the library, whether a result is true. */
import { crc32 } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CosError } from '../../lib/core/error.js'
import { formatError } from '../../lib/core/format-error.js'
import { secretKey } from '../support/server.js'
import type { Mutant } from './mutants.js'
import type { At, Target } from './targets.js'

/** The problems of a result; empty if it is true. */
export type Problems = ReadonlyArray<string>

/** CRC-64/XZ bit by bit, independent of the library's. */
const crcOf = (bytes: Uint8Array): bigint => {
  let crc = 0xffffffffffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n
  }
  return crc ^ 0xffffffffffffffffn
}

/** The records of a Select, by length, checksums and type of each frame; undefined if the stream has no end. */
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

// -- texts of the response --
const unescapeXml = (text: string): string =>
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

const percentDecode = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (coded) => Buffer.from(coded.replaceAll('%', ''), 'hex').toString())

const normalizeNewlines = (text: string): string => text.replace(/\r\n?/g, '\n')

/** All texts that the bytes could represent: with or without markup, escapes and percent-encoding. */
const possibleTexts = ({ payload, head }: Mutant, at: At): ReadonlyArray<string> => {
  const payloadText = normalizeNewlines(String(payload))
  const bare = payloadText
    .replace(/<!--[^]*?-->|<\?[^]*?\?>|<a\/>|<!\[CDATA\[|\]\]>/g, '')
    .replace(/<\/?Contents><\/Contents>/g, '')
  const texts = [payloadText, bare.replace(/<[^>]*>/g, ' '), bare.replace(/<[^>]*>/g, '')]
  return [
    String(payload),
    ...texts,
    ...texts.map(unescapeXml),
    ...texts.map((text) => percentDecode(unescapeXml(text))),
    ...[head.toString('latin1'), String(head)].map(normalizeNewlines),
    JSON.stringify(at)
  ]
}

/** Values of the library and of the input, which need not be in the response. */
const ownWords = new Set(['STANDARD', 'url', 'NoChecksum', 'Range', 'Unread', 'Other', 'COS', 'KMS', 'C'])

/** Fields of the library, and fields computed from the bytes, which `checkBytes` checks. */
const skipped = new Set(['_tag', 'type', 'outcome', 'integrity', 'contentLength', 'sentCrc64', 'context'])

const secondOf = (spelt: string): number => Math.floor(Date.parse(spelt) / 1000)

/** Finds decoded values that are undefined, invalid or not in the response. */
const findUnfounded = (value: unknown, texts: ReadonlyArray<string>): Problems => {
  const numbers = new Set(texts.flatMap((text) => text.match(/\d+/g) ?? []).map(Number))
  const spelt = texts.flatMap((text) => text.match(/[\dTZ:.-]{19,}|[A-Z][a-z]{2},? [\w :]{16,24}/g) ?? [])
  const moments = new Set([...new Set(spelt)].flatMap((one) => [one, `${one}Z`, `${one} GMT`]).map(secondOf))
  const look = (u: unknown, path: string): Problems => {
    const fail = (problem: string): Problems => [`${path}: ${problem}`]
    switch (typeof u) {
      case 'undefined':
        return fail('is undefined')
      case 'number':
        if (!Number.isSafeInteger(u) || u < 0) return fail(`is ${String(u)}`)
        return numbers.has(u) || u <= 1 || u === 1000 ? [] : fail(`not in the response: ${String(u)}`)
      case 'bigint':
        return texts.some((text) => text.includes(String(u))) ? [] : fail(`not in the response: ${String(u)}`)
      case 'string':
        // Repeated headers are joined by a comma.
        return u.split(', ').every((part) => texts.some((text) => text.includes(part))) ||
          ownWords.has(u) ||
          texts.some((text) => text.includes(u))
          ? []
          : fail(`not in the response: ${JSON.stringify(u.slice(0, 200))}`)
      case 'boolean':
      case 'function':
        return []
      default:
    }
    if (u === null) return fail('is null')
    if (u instanceof Date) {
      if (Number.isNaN(u.getTime())) return fail('is no date')
      return moments.has(Math.floor(u.getTime() / 1000))
        ? []
        : fail(`not in the response: ${u.toISOString()}`)
    }
    if (u instanceof Uint8Array) return []
    return Object.entries(u as object).flatMap(([name, one]) =>
      skipped.has(name) ? [] : look(one, `${path}.${name}`)
    )
  }
  return look(value, 'result')
}

// -- bytes --
interface ReadResult {
  readonly headers?: Readonly<Record<string, string>>
  readonly outcome?: { readonly _tag?: string; readonly crc64?: bigint }
  readonly integrity?: { readonly _tag: string; readonly crc64?: bigint }
  readonly sentCrc64?: bigint
  readonly bytes?: Buffer
  readonly contentLength?: O.Option<number>
  readonly size?: O.Option<number> | number
}

const checkBytes = (target: Target, mutant: Mutant, sum: bigint, read: ReadResult): Problems => {
  const { bytes, outcome, headers, integrity } = read
  const problems: Array<string> = []
  const reported = headers?.['x-cos-hash-crc64ecma']
  if (integrity?._tag === 'Verified' && reported !== String(sum))
    problems.push(`verified against ${String(reported)}`)
  if (read.sentCrc64 !== undefined && read.sentCrc64 !== sum) problems.push('another CRC64 of the sent bytes')
  if (bytes === undefined) return problems
  if (target.name === 'selectObjectContent') {
    if (recordsOf(mutant.payload)?.equals(bytes) !== true) problems.push('other records than were sent')
    return problems
  }
  if (outcome?._tag === 'Verified' && (reported !== String(crcOf(bytes)) || outcome.crc64 !== crcOf(bytes))) {
    problems.push(`verified, with ${String(crcOf(bytes))} against ${String(reported)}`)
  }
  const length = typeof read.size === 'number' ? read.size : read.contentLength
  const expected =
    typeof length === 'number' ? length : length !== undefined && O.isSome(length) ? length.value : undefined
  if (expected !== undefined && expected !== bytes.length) {
    problems.push(`${String(bytes.length)} bytes instead of ${String(expected)}`)
  }
  return problems
}

const checkRight = (target: Target, mutant: Mutant, at: At, sum: bigint, value: unknown): Problems => {
  const { root } = target
  const problems: Array<string> = []
  const payloadText = String(mutant.payload)
  if (root !== undefined && target.name !== 'createMultipartUpload') {
    if (!payloadText.includes(`</${root}`) && !payloadText.includes(`<${root}/>`))
      problems.push('a response without an end')
  }
  if (root !== undefined && mutant.cut && target.name !== 'createMultipartUpload') {
    const end = `</${root}>`
    if (!payloadText.trimEnd().endsWith(end) && !payloadText.includes(end))
      problems.push('a response that was cut')
  }
  const read: ReadResult = typeof value === 'object' && value !== null ? value : {}
  // A download has several responses; only its bytes are checked.
  if (target.name !== 'downloadStream') problems.push(...findUnfounded(value, possibleTexts(mutant, at)))
  return [...problems, ...checkBytes(target, mutant, sum, read)]
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

const checkLeft = (target: Target, at: At, error: CosError): Problems => {
  const { operation, bucket, key, attempts } = error.context
  const problems: Array<string> = []
  const wanted = target.onBucket ? O.none : O.some(at.key)
  const actions = [target.action, target.name, ...(target.name === 'downloadStream' ? ['HeadObject'] : [])]
  if (!known.has(error._tag)) problems.push(`a ${error._tag}`)
  if (!actions.includes(operation)) problems.push(`of ${operation}`)
  if (bucket !== at.bucket) problems.push(`of the bucket ${bucket}`)
  if (O.isSome(key) !== O.isSome(wanted) || (O.isSome(key) && key.value !== at.key))
    problems.push('of another key')
  // A corrected clock takes a second attempt.
  if (!(attempts >= 0 && attempts <= 2)) problems.push(`after ${String(attempts)} attempts`)
  if (error._tag === 'ServiceError' && !(error.status >= 100 && error.code !== ''))
    problems.push('without a status or a code')
  const line = formatError(error)
  if (line.includes('\n')) problems.push('described in more than a line')
  if (line.includes(secretKey)) problems.push('contains a secret')
  return problems
}

export const findProblems = (
  target: Target,
  mutant: Mutant,
  at: At,
  sum: bigint,
  result: E.Either<CosError, unknown>
): Problems =>
  E.isLeft(result) ? checkLeft(target, at, result.left) : checkRight(target, mutant, at, sum, result.right)
