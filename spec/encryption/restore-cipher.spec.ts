import { randomBytes } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { kmsKey } from '../../lib/encryption/kms-key.js'
import {
  createObjectCipher,
  type CipherOptions,
  type ObjectCipher
} from '../../lib/encryption/object-cipher.js'
import { restoreObjectCipher } from '../../lib/encryption/restore-cipher.js'
import { bytesOf, joinBytes, splitBytes } from '../support/bytes.js'
import { bucket } from '../support/cos.js'
import { aes, rsa, wrongAes } from '../support/encryption.js'
import { left, right } from '../support/server.js'

const ref = { bucket, key: 'a' }
const sealed: CipherOptions = { format: 'sealed', bindsName: true }
const python: CipherOptions = { format: 'python', bindsName: true }

const create = async (master = aes, options = sealed): Promise<ObjectCipher> =>
  right(await createObjectCipher(master, ref, options, randomBytes)())

const ciphertext = async ({ encrypt }: ObjectCipher): Promise<string> =>
  (await joinBytes(encrypt({ offset: 65_536, last: true })(splitBytes(bytesOf(100_000), 999)))).toString(
    'hex'
  )

t.test('a restored cipher encrypts as the first did, and signs as it did', async (t) => {
  for (const master of [aes, rsa])
    for (const options of [sealed, python, { ...sealed, bindsName: false }]) {
      const first = await create(master, options)
      const restored = right(await restoreObjectCipher(master, ref, options, first.metadata)())
      if (O.isNone(restored)) throw new Error('no cipher')
      t.equal(await ciphertext(restored.value), await ciphertext(first))
      t.equal(restored.value.journal.signText('x'), first.journal.signText('x'))
    }
})

t.test('none is restored from the metadata of another format, name, binding or key', async (t) => {
  const { metadata } = await create()
  const pythonMetadata = (await create(aes, python)).metadata
  for (const [about, master, name, options, found] of [
    ['key', wrongAes, ref, sealed, metadata],
    ['kind of key', rsa, ref, sealed, metadata],
    ['name', aes, { bucket, key: 'b' }, sealed, metadata],
    ['binding', aes, ref, { ...sealed, bindsName: false }, metadata],
    ['format', aes, ref, python, metadata],
    ['format', aes, ref, sealed, pythonMetadata],
    ['damage', aes, ref, sealed, { ...metadata, 'cospipe-sealed': 'AAAA' }],
    ['nothing', aes, ref, sealed, {}],
    ['user metadata', aes, ref, sealed, { owner: 'x' }]
  ] as const)
    t.same(right(await restoreObjectCipher(master, name, options, found)()), O.none, about)
})

t.test('a key service that fails is an error', async (t) => {
  const kms = right(
    kmsKey({ id: 'cmk', wrap: () => TE.right(Buffer.alloc(40)), unwrap: () => TE.left('down') })
  )
  const { metadata } = await create(kms)
  t.match(left(await restoreObjectCipher(kms, ref, sealed, metadata)()), { reason: 'Kms' })
})
