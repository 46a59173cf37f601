/** Which changes of an object each format detects, and which it does not. */
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import type { EncryptedOptions } from '../../../lib/transfers/encrypted/options.js'
import { startCos } from '../../support/cos.js'
import {
  at,
  javaVectors,
  masterKeys,
  plaintextOf,
  pythonVectors,
  readBytes,
  store,
  type EncryptedVector
} from '../../support/encryption.js'

const everything: EncryptedOptions = {
  format: 'python',
  accepts: ['python', 'go', 'java-gcm', 'java-ctr', 'java-cbc']
}

const all = [...pythonVectors(), ...javaVectors()]
const vectorById = (id: string): EncryptedVector => all.find((vector) => vector.id === id)!

/** `same`: the plaintext; `other`: other bytes, without an error; or the reason of the error. */
const outcome = async (
  client: Client,
  vector: EncryptedVector,
  { bytes, metadata }: { readonly bytes?: Uint8Array; readonly metadata?: Readonly<Record<string, string>> }
): Promise<string> => {
  const ciphertext = bytes ?? Buffer.from(vector.ciphertext.base64 ?? '', 'base64')
  await store(client, ciphertext, metadata ?? vector.metadata)
  const result = await readBytes(encrypted(masterKeys[vector.masterKey]!, everything).getObject(at))(client)()
  if (E.isRight(result)) return result.right.equals(plaintextOf(vector)) ? 'same' : 'other'
  return result.left._tag === 'EncryptionError' ? result.left.reason : result.left._tag
}

const p = 'x-cos-meta-client-side-encryption-'

const flip = (bytes: Uint8Array, bit: number): Buffer => {
  const flipped = Buffer.from(bytes)
  flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
  return flipped
}

/** Some bits of a value: the first, the last, and some between. */
const bitsOf = (length: number): ReadonlyArray<number> =>
  [0, 1, 7, 8, 4 * length, 8 * length - 9, 8 * length - 1].filter((bit) => bit >= 0 && bit < 8 * length)

const withFlipped = (
  vector: EncryptedVector,
  name: string,
  bit: number
): Readonly<Record<string, string>> => ({
  ...vector.metadata,
  [name]: flip(Buffer.from(vector.metadata[name] ?? '', 'base64'), bit).toString('base64')
})

t.test('a flipped bit in a wrapped key or IV is WrongKey, except under the AES wrap of Python', async (t) => {
  const client = (await startCos(t)).client()
  for (const [id, names, expected] of [
    ['rsa-17b', ['key', 'iv'], 'WrongKey'],
    ['java-aes-ctr', ['key', 'start'], 'WrongKey'],
    ['java-rsa-ctr', ['key', 'start'], 'WrongKey'],
    ['java-rsa-gcm', ['key', 'start'], 'WrongKey'],
    ['jce-aes-cbc', ['key', 'start'], 'WrongKey'],
    ['jce-rsa-cbc', ['key', 'start'], 'WrongKey'],
    // No check value: another key or counter, and garbage without an error.
    ['aes-17b', ['key', 'iv'], 'other']
  ] as const) {
    const vector = vectorById(id)
    for (const name of names) {
      const header = `${p}${name}`
      const { length } = Buffer.from(vector.metadata[header] ?? '', 'base64')
      for (const bit of bitsOf(length))
        t.equal(
          await outcome(client, vector, { metadata: withFlipped(vector, header, bit) }),
          expected,
          `${id} ${name} bit ${String(bit)}`
        )
    }
  }
})

t.test(
  'a flipped bit in the text of a header is never another plaintext of an authenticated wrap',
  async (t) => {
    const client = (await startCos(t)).client()
    for (const id of ['java-rsa-gcm', 'java-aes-ctr', 'rsa-17b']) {
      const vector = vectorById(id)
      for (const name of ['key', 'start', 'iv', 'cek-alg', 'wrap-alg'].map((each) => `${p}${each}`)) {
        const text = vector.metadata[name]
        if (text === undefined) continue
        for (const bit of bitsOf(text.length)) {
          const changed = flip(Buffer.from(text), bit).toString('latin1')
          if (/[^\x21-\x7e]/.test(changed)) continue
          const found = await outcome(client, vector, { metadata: { ...vector.metadata, [name]: changed } })
          t.ok(
            ['WrongKey', 'BadEnvelope', 'Unsupported'].includes(found),
            `${id} ${name} ${changed.slice(0, 30)}: ${found}`
          )
        }
      }
    }
  }
)

t.test('an envelope that is cut short or loses a field is BadEnvelope or Unsupported', async (t) => {
  const client = (await startCos(t)).client()
  for (const id of ['aes-17b', 'rsa-17b', 'java-rsa-gcm', 'java-aes-ctr', 'jce-aes-cbc']) {
    const vector = vectorById(id)
    for (const [name, text] of Object.entries(vector.metadata)) {
      if (!/-(?:key|iv|start|cek-alg|wrap-alg)$|tag-len/.test(name)) continue
      const { [name]: _removed, ...without } = vector.metadata
      const missing = await outcome(client, vector, { metadata: without })
      t.equal(missing, 'BadEnvelope', `${id} without ${name}`)
      for (const kept of [1, 4, text.length - 4, text.length - 1]) {
        if (kept <= 0 || kept >= text.length) continue
        const found = await outcome(client, vector, {
          metadata: { ...vector.metadata, [name]: text.slice(0, kept) }
        })
        t.ok(
          ['BadEnvelope', 'Unsupported'].includes(found),
          `${id} ${name} of ${String(kept)} characters: ${found}`
        )
      }
    }
  }
})

t.test('a flipped bit of the body is found in GCM; CTR flips the bit of the plaintext', async (t) => {
  const client = (await startCos(t)).client()
  for (const [id, expected] of [
    ['java-rsa-gcm', 'BadSegment'],
    ['java-mp-rsa-gcm', 'BadSegment'],
    ['java-rsa-ctr', 'other'],
    ['aes-17b', 'other'],
    ['rsa-17b', 'other']
  ] as const) {
    const vector = vectorById(id)
    const bytes = Buffer.from(vector.ciphertext.base64 ?? '', 'base64')
    for (const bit of bitsOf(bytes.length))
      t.equal(
        await outcome(client, vector, { bytes: flip(bytes, bit) }),
        expected,
        `${id} bit ${String(bit)}`
      )
  }
  const cbc = vectorById('jce-aes-cbc')
  const bytes = Buffer.from(cbc.ciphertext.base64 ?? '', 'base64')
  t.equal(await outcome(client, cbc, { bytes: flip(bytes, 5) }), 'other', 'CBC: in the first block')
  t.equal(
    await outcome(client, cbc, { bytes: flip(bytes, 8 * (bytes.length - 16) - 1) }),
    'BadSegment',
    'in the padding'
  )
})

t.test(
  'a truncated body is found in GCM and at most lengths in CBC; CTR returns a shorter plaintext',
  async (t) => {
    const client = (await startCos(t)).client()
    const cut = async (id: string, removed: number): Promise<string> => {
      const vector = vectorById(id)
      const bytes = Buffer.from(vector.ciphertext.base64 ?? '', 'base64')
      return outcome(client, vector, { bytes: bytes.subarray(0, bytes.length - removed) })
    }
    for (const removed of [1, 16, 17, 100])
      t.equal(await cut('java-rsa-gcm', removed), 'BadSegment', String(removed))
    for (const removed of [101, 116])
      t.equal(await cut('java-rsa-gcm', removed), 'Truncated', String(removed))
    for (const removed of [1, 15, 17, 112])
      t.equal(await cut('jce-aes-cbc', removed), 'Truncated', String(removed))
    // A block less: the padding of the plaintext that is then the last is wrong, except in one of 256 cases.
    t.equal(await cut('jce-aes-cbc', 16), 'BadSegment')
    for (const id of ['aes-17b', 'rsa-17b', 'java-rsa-ctr']) t.equal(await cut(id, 1), 'other', id)
  }
)

t.test('the envelope of one object on the body of another is found in GCM only', async (t) => {
  const client = (await startCos(t)).client()
  const body = (id: string): Buffer => Buffer.from(vectorById(id).ciphertext.base64 ?? '', 'base64')
  t.equal(await outcome(client, vectorById('java-rsa-gcm'), { bytes: body('java-mp-rsa-gcm') }), 'BadSegment')
  t.equal(await outcome(client, vectorById('aes-17b'), { bytes: body('rsa-17b') }), 'other')
})

t.test('damage in transit is found in every format by the CRC64 of the ciphertext', async (t) => {
  for (const id of ['aes-17b', 'rsa-17b', 'java-rsa-ctr']) {
    const vector = vectorById(id)
    const cos = await startCos(t, {
      fault: ({ operation }) => (operation === 'GetObject' ? { flip: 3 } : undefined)
    })
    t.equal(await outcome(cos.client(), vector, {}), 'IntegrityError', id)
  }
})
