/** Sealed objects of a second implementation: the recorded ones are written byte for byte and opened, and it opens ours. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import * as io from 'io-ts'
import t from 'tap'
import { aesKey } from '../../lib/encryption/aes-key.js'
import { rsaKey } from '../../lib/encryption/rsa-key.js'
import { send } from '../../lib/client/send.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { encrypted } from '../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../support/bytes.js'
import { startCos } from '../support/cos.js'
import {
  at,
  patternBytes,
  readBytes,
  scriptedRandom,
  vectorKeyFile,
  vectorKeyText
} from '../support/encryption.js'
import { sampleOf } from '../support/long-form.js'
import { right } from '../support/server.js'
import { top } from '../support/top.js'
import { vectors } from '../support/vectors.js'

const nullable = <A>(codec: io.Type<A>) => io.union([codec, io.null])
const Sealed = io.type({
  vectors: io.array(
    io.type({
      id: io.string,
      masterKey: io.union([io.literal('aes256-a'), io.literal('rsa2048-a')]),
      keyId: io.string,
      name: nullable(io.string),
      dataKeyHex: io.string,
      saltHex: io.string,
      oaepSeedHex: nullable(io.string),
      plaintext: io.type({ seed: io.number, length: io.number, sha256: io.string }),
      object: io.type({ length: io.number, sha256: io.string }),
      metadata: io.record(io.string, io.string)
    })
  )
})

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const id = '2026'
const keys = {
  'aes256-a': right(aesKey(vectorKeyText('aes256-a.key'), { id })),
  'rsa2048-a': right(rsaKey({ privateKey: vectorKeyText('rsa2048-a.private.pkcs8.pem'), id }))
}

t.test('every recorded object is written byte for byte, and opened', async (t) => {
  const client = (await startCos(t)).client()
  const all = vectors('sealed.json', Sealed).vectors
  t.equal(all.length, 11)
  for (const vector of all) {
    const plain = patternBytes(vector.plaintext.seed, vector.plaintext.length)
    t.equal(sha256(plain), vector.plaintext.sha256)
    t.ok(vector.name === null || vector.name === `${at.bucket}/${at.key}`)
    const random = scriptedRandom(
      ...[vector.dataKeyHex, vector.saltHex, vector.oaepSeedHex].flatMap((hex) =>
        hex === null ? [] : [Buffer.from(hex, 'hex')]
      )
    )
    const vault = encrypted(keys[vector.masterKey], { bindsName: vector.name !== null })
    right(await vault.putObject({ ...at, body: plain })({ ...client, random })())
    const object = right(await readBytes(send(getObject(at)))(client)())
    t.equal(object.length, vector.object.length, vector.id)
    t.equal(sha256(object), vector.object.sha256, vector.id)
    const { headers } = right(await send(headObject(at))(client)())
    t.same(
      Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-cos-meta-'))),
      vector.metadata
    )
    t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(plain), vector.id)
  }
})

const hasPython = spawnSync('python3', ['-c', 'import cryptography']).status === 0

t.test('the second implementation opens our objects, and refuses changed ones', async (t) => {
  // In CI the package is installed and the variable set; elsewhere the recorded objects of the test above have to do.
  t.ok(hasPython || process.env['REQUIRE_PYTHON'] === undefined, 'python3 with cryptography is installed')
  if (!hasPython) return
  const client = (await startCos(t)).client()
  const path = join(t.testdir(), 'object')
  const open = async (object: Uint8Array, key: string, name: string) => {
    await writeFile(path, object)
    const script = join(top, 'spec/interop/sealed.py')
    return spawnSync('python3', [script, 'open', path, vectorKeyFile(key), name], { maxBuffer: 2 ** 24 })
  }
  const name = `${at.bucket}/${at.key}`
  const sizes = [0, 1, 65_536, 150_000]
  // A start of Python takes 0.4 s of CPU.
  for (const [key, file, some] of [
    [keys['aes256-a'], 'aes256-a.key', sampleOf(sizes, 2)],
    [keys['rsa2048-a'], 'rsa2048-a.private.pkcs8.pem', sampleOf(sizes.toReversed(), sizes.length)]
  ] as const)
    for (const size of some) {
      right(await encrypted(key).putObject({ ...at, body: bytesOf(size) })(client)())
      const object = right(await readBytes(send(getObject(at)))(client)())
      const opened = await open(object, file, name)
      t.equal(opened.status, 0, opened.stderr.toString())
      t.ok(opened.stdout.equals(bytesOf(size)), `${file} ${String(size)}`)
      object[object.length - 1] = object[object.length - 1]! ^ 1
      t.equal((await open(object, file, name)).status, 1)
    }
  right(await encrypted(keys['aes256-a']).putObject({ ...at, body: 'x' })(client)())
  const object = right(await readBytes(send(getObject(at)))(client)())
  t.match((await open(object, 'aes256-a.key', 'other/name')).stderr.toString(), /another name/)
})
