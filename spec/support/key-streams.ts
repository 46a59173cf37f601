/** Looks for a key stream that was used for two plaintexts, in all ciphertext that was received. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { readEnvelope } from '../../lib/encryption/envelope.js'
import { keyring } from '../../lib/encryption/keyring.js'
import type { MasterKey } from '../../lib/encryption/master-key.js'
import { headerSize } from '../../lib/encryption/sealed-header.js'
import { sealedSegmentSize, segmentSize } from '../../lib/encryption/sealed-segments.js'
import { unwrapSealed } from '../../lib/encryption/sealed-wrap.js'
import { unwrapDataKey } from '../../lib/encryption/unwrap.js'
import type { ReceivedBody } from './received-bodies.js'
import { right } from './server.js'

export interface KeyStreams {
  /** Adds bodies; the problems that it finds. */
  readonly add: (received: ReadonlyArray<ReceivedBody>) => Promise<ReadonlyArray<string>>
  /** The data keys, in hex, with the number of objects or uploads that have each. */
  readonly dataKeys: () => ReadonlyMap<string, number>
  /** Bytes that were compared with those of an earlier request. */
  readonly compared: () => number
}

/** `partSize`: of all uploads in parts, in bytes of the plaintext or of the ciphertext. */
export const createKeyStreams = (
  master: MasterKey,
  partSize: number,
  cut: 'plaintext' | 'ciphertext' = 'plaintext'
): KeyStreams => {
  const ring = keyring(master)
  const dataKeys = new Map<string, number>()
  const uploads = new Map<string, { readonly dataKey: string; readonly isSealed: boolean }>()
  /** The longest ciphertext of each place of a key stream. */
  const texts = new Map<string, Buffer>()
  let compared = 0

  const dataKeyIn = async (
    headers: ReceivedBody['headers']
  ): Promise<{ readonly dataKey: string; readonly isSealed: boolean } | undefined> => {
    const strings = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    const envelope = right(readEnvelope(strings))
    if (O.isNone(envelope)) return undefined
    const found = envelope.value
    const isSealed = found.cipher === 'sealed'
    const unwrapped = await (
      found.cipher === 'sealed'
        ? unwrapSealed(ring, found.header)
        : unwrapDataKey(ring, found, { pkcs1v15: false })
    )()
    if (E.isLeft(unwrapped)) throw new Error(unwrapped.left.problem)
    const { key, iv } = unwrapped.right.dataKey
    return { isSealed, dataKey: `${key.export().toString('hex')}/${Buffer.from(iv).toString('hex')}` }
  }

  const addText = (dataKey: string, place: number, bytes: Buffer): ReadonlyArray<string> => {
    const name = `${dataKey}@${String(place)}`
    const known = texts.get(name)
    const common = Math.min(known?.length ?? 0, bytes.length)
    compared += common
    if (known === undefined || known.length < bytes.length) texts.set(name, bytes)
    return known === undefined || known.subarray(0, common).equals(bytes.subarray(0, common))
      ? []
      : [`the key stream at ${String(place)} of ${dataKey.slice(0, 8)} was used for two texts`]
  }

  const add = async (body: ReceivedBody): Promise<ReadonlyArray<string>> => {
    const { method, query, headers } = body
    const [uploadId, partNumber] = [query.get('uploadId'), query.get('partNumber')]
    if (method === 'PUT' && uploadId !== null && partNumber !== null) {
      const upload = uploads.get(uploadId)
      if (upload === undefined) return [`the upload ${uploadId} has no data key`]
      const offset = (Number(partNumber) - 1) * partSize
      const sealed = offset === 0 ? 0 : headerSize + (offset / segmentSize) * sealedSegmentSize
      const place = upload.isSealed && cut === 'plaintext' ? sealed : offset
      return addText(upload.dataKey, place, body.bytes())
    }
    const found = await dataKeyIn(headers)
    if (found === undefined) return []
    dataKeys.set(found.dataKey, (dataKeys.get(found.dataKey) ?? 0) + 1)
    const [, created] = /<UploadId>(.*?)<\/UploadId>/.exec(body.response()) ?? []
    if (method === 'POST' && created !== undefined) uploads.set(created, found)
    return method === 'PUT' ? addText(found.dataKey, 0, body.bytes()) : []
  }

  return {
    add: async (received) => {
      const problems = []
      for (const body of received) problems.push(...(await add(body)))
      return problems
    },
    dataKeys: () => dataKeys,
    compared: () => compared
  }
}
