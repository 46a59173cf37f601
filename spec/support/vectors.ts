/** Reads the recorded data of spec/vectors/. A codec validates each file. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { PathReporter } from 'io-ts/lib/PathReporter.js'
import { bytesOf as randomBytes } from './bytes.js'

export const vectors = <A>(file: string, codec: t.Decoder<unknown, A>): A => {
  const path = resolve(import.meta.dirname, '../vectors', file)
  const read = codec.decode(JSON.parse(readFileSync(path, 'utf8')))
  if (E.isRight(read)) return read.right
  throw new Error(`${file}: ${PathReporter.report(read).join('; ')}`)
}

// -- signature.json --
const SignatureVector = t.type({
  name: t.string,
  secretId: t.string,
  secretKey: t.string,
  keyTime: t.string,
  method: t.string,
  path: t.string,
  query: t.record(t.string, t.string),
  headers: t.record(t.string, t.string),
  authorization: t.string
})

export const signatureVectors = (): ReadonlyArray<t.TypeOf<typeof SignatureVector>> =>
  vectors('signature.json', t.array(SignatureVector))

// -- crc64.json --
const Generated = t.union([
  t.type({ utf8: t.string }),
  t.type({ hex: t.string }),
  t.type({ generator: t.literal('range256') }),
  t.type({ generator: t.literal('mod'), modulus: t.number, length: t.number }),
  t.type({ generator: t.literal('lcg'), seed: t.number, length: t.number })
])

const Run = t.type({ input: Generated, length: t.number, crc64: t.string })
const Crc = t.type({
  name: t.string,
  kind: t.literal('crc'),
  input: Generated,
  length: t.number,
  crc64: t.string
})
const Combined = t.type({
  name: t.string,
  kind: t.literal('combine'),
  parts: t.array(Run),
  length: t.number,
  crc64: t.string
})

export const crc64Vectors = (): ReadonlyArray<t.TypeOf<typeof Crc> | t.TypeOf<typeof Combined>> =>
  vectors('crc64.json', t.type({ vectors: t.array(t.union([Crc, Combined])) })).vectors

/** Generates the bytes that a vector describes. */
export const bytesOf = (input: t.TypeOf<typeof Generated>): Uint8Array => {
  if ('utf8' in input) return Buffer.from(input.utf8)
  if ('hex' in input) return Buffer.from(input.hex, 'hex')
  if (input.generator === 'range256') return Uint8Array.from({ length: 256 }, (_, n) => n)
  if (input.generator === 'mod') return Uint8Array.from({ length: input.length }, (_, n) => n % input.modulus)
  return randomBytes(input.length, input.seed)
}
