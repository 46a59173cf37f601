import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import type { EncryptedOptions } from '../../../lib/transfers/encrypted/options.js'
import { startCos } from '../../support/cos.js'
import { aes, at, encryptionErrorOf, javaVectors, rsa, store } from '../../support/encryption.js'
import { left, right } from '../../support/server.js'

const everything: EncryptedOptions = {
  format: 'python',
  accepts: ['python', 'java-gcm', 'java-ctr', 'java-cbc', 'plain'],
  instructionFiles: true
}

t.test(
  'the size is that of the plaintext, and the user metadata are without those of the encryption',
  async (t) => {
    const client = (await startCos(t)).client()
    for (const { id, ciphertext, plaintext, metadata, instructionObject } of javaVectors()) {
      await store(client, Buffer.from(ciphertext.base64 ?? '', 'base64'), metadata)
      if (instructionObject !== undefined)
        await store(client, Buffer.from(instructionObject.body), {}, `${at.key}.instruction`)
      const head = right(await encrypted(rsa, everything).headObject(at)(client)())
      t.equal(head.storedSize, ciphertext.length, id)
      t.same(head.size, O.some(plaintext.length), id)
      t.notOk(
        Object.keys(head.metadata).some((name) => name !== 'owner'),
        id
      )
      t.same(head.keyId, O.none)
    }
    const cbc = javaVectors().find(({ id }) => id === 'jce-aes-cbc')
    const name = 'x-cos-meta-client-side-encryption-unencrypted-content-length'
    for (const claimed of ['', '5', '111', '112', '113', 'x']) {
      await store(client, Buffer.from(cbc?.ciphertext.base64 ?? '', 'base64'), {
        ...cbc?.metadata,
        [name]: claimed
      })
      const head = right(await encrypted(aes, everything).headObject(at)(client)())
      t.same(head.size, claimed === '111' ? O.some(111) : O.none, claimed)
    }
  }
)

t.test('a plain object is accepted only if accepts lists it', async (t) => {
  const client = (await startCos(t)).client()
  await store(client, Buffer.from('plain'), { 'x-cos-meta-owner': 'a' })
  t.match(right(await encrypted(aes, everything).headObject(at)(client)()), {
    format: 'plain',
    size: O.some(5),
    storedSize: 5,
    metadata: { owner: 'a' }
  })
  t.match(encryptionErrorOf(await encrypted(aes, { format: 'python' }).headObject(at)(client)()), {
    reason: 'NotEncrypted',
    context: { operation: 'HeadObject' }
  })
})

t.test('the key id is that of the object', async (t) => {
  const client = (await startCos(t)).client()
  const key = right(aesKey(Buffer.alloc(32), { id: '2026' }))
  right(await encrypted(key, everything).putObject({ ...at, body: 'x' })(client)())
  t.same(right(await encrypted(aes, everything).headObject(at)(client)()).keyId, O.some('2026'))
})

t.test('a size that no ciphertext has is Truncated', async (t) => {
  const client = (await startCos(t)).client()
  const gcm = javaVectors().find(({ id }) => id === 'java-rsa-gcm')
  await store(client, Buffer.alloc(15), gcm?.metadata ?? {})
  t.match(encryptionErrorOf(await encrypted(rsa, everything).headObject(at)(client)()), {
    reason: 'Truncated'
  })
  const cbc = javaVectors().find(({ id }) => id === 'jce-aes-cbc')
  for (const size of [0, 15, 17]) {
    await store(client, Buffer.alloc(size), cbc?.metadata ?? {})
    t.match(encryptionErrorOf(await encrypted(aes, everything).headObject(at)(client)()), {
      reason: 'Truncated'
    })
  }
})

t.test('an input that is no object is an InvalidInput of each call', async (t) => {
  const client = (await startCos(t)).client()
  const vault = encrypted(aes)
  for (const input of [null, undefined, 5, 'a', []])
    for (const call of [
      vault.headObject(input as never),
      vault.getObject(input as never),
      vault.putObject(input as never),
      vault.createMultipartUpload(input as never),
      vault.uploadPart(input as never)
    ])
      t.equal(left(await call(client)())._tag, 'InvalidInput')
})

t.test('invalid options are an InvalidInput of each call', async (t) => {
  const client = (await startCos(t)).client()
  for (const [keys, options, field] of [
    [aes, { bindsName: 1 }, 'bindsName'],
    [aes, { format: 'java-gcm' }, 'format'],
    [aes, { format: 'python', accepts: [] }, 'accepts'],
    [aes, { format: 'python', accepts: ['perl'] }, 'accepts.0'],
    [aes, { format: 'python', pkcs1v15: 'yes' }, 'pkcs1v15'],
    [aes, { format: 'python', accept: ['plain'] }, 'accept'],
    [{ ...aes }, { format: 'python' }, 'keys'],
    ['c2VjcmV0', { format: 'python' }, 'keys'],
    [{ writes: aes, reads: [aes] }, { format: 'python' }, 'keys']
  ] as const) {
    const vault = encrypted(keys as never, options as never)
    for (const call of [
      vault.headObject(at),
      vault.getObject(at),
      vault.putObject({ ...at, body: 'x' }),
      vault.createMultipartUpload(at),
      vault.uploadPart({ upload: undefined as never, partNumber: 1, offset: 0, body: 'x' })
    ])
      t.match(left(await call(client)()), { _tag: 'InvalidInput', field }, field)
  }
})
