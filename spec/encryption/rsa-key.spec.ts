import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import t from 'tap'
import { formatError } from '../../lib/core/format-error.js'
import { secretOf } from '../../lib/encryption/master-key.js'
import { rsaKey } from '../../lib/encryption/rsa-key.js'
import { vectorKeyText } from '../support/encryption.js'
import { left, right } from '../support/server.js'

const publicKey = vectorKeyText('rsa2048-a.public.spki.pem')
const privateKey = vectorKeyText('rsa2048-a.private.pkcs8.pem')
const encrypted = vectorKeyText('rsa2048-a.private.pkcs8.encrypted.pem')
const traditional = createPrivateKey(privateKey)
  .export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })
  .toString()

const hasPrivate = (key: Parameters<typeof secretOf>[0]): boolean => {
  const found = secretOf(key)
  return found._tag === 'Some' && found.value.kind === 'rsa' && found.value.privateKey._tag === 'Some'
}

t.test('each form of a key pair is the same key', async (t) => {
  const key = right(rsaKey({ publicKey, privateKey }))
  t.equal(key.kind, 'rsa')
  t.match(key.id, /^rsa-[0-9a-f]{16}$/)
  for (const input of [
    { privateKey },
    { publicKey },
    { publicKey: vectorKeyText('rsa2048-a.public.pkcs1.pem') },
    { privateKey: vectorKeyText('rsa2048-a.private.pkcs1.pem') },
    { publicKey, privateKey: encrypted, passphrase: 'test-passphrase' },
    { privateKey: traditional, passphrase: 'x' },
    { publicKey: createPublicKey(publicKey), privateKey: createPrivateKey(privateKey) },
    // A passphrase that is not needed is not used.
    { privateKey, passphrase: 'y' }
  ]) {
    const same = right(rsaKey(input))
    t.equal(same.id, key.id)
    t.equal(hasPrivate(same), 'privateKey' in input)
  }
  t.equal(right(rsaKey({ publicKey, id: '2026' })).id, '2026')
})

t.test('an encrypted key without its passphrase is an error and asks nothing on the terminal', async (t) => {
  for (const key of [encrypted, traditional]) {
    t.match(left(rsaKey({ privateKey: key })), { field: 'passphrase', problem: 'missing' })
    t.match(left(rsaKey({ privateKey: key, passphrase: 'wrong' })), { field: 'passphrase' })
    t.match(left(rsaKey({ publicKey: key })), { field: 'publicKey', message: /must not be encrypted/ })
  }
})

t.test('keys of another kind, size or pair are refused', async (t) => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const tiny = generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  for (const [input, field] of [
    [{ publicKey, privateKey: other.privateKey }, 'publicKey'],
    [{ publicKey: small }, 'publicKey'],
    [{ publicKey: tiny, legacyLength: true }, 'publicKey'],
    [{ publicKey: ec.publicKey }, 'publicKey'],
    [{ privateKey: ec.privateKey }, 'privateKey'],
    [{ publicKey: pss.publicKey }, 'publicKey'],
    [{ publicKey: other.privateKey }, 'publicKey'],
    [{ privateKey: other.publicKey }, 'privateKey'],
    [{}, 'publicKey'],
    [{ publicKey: 'not PEM' }, 'publicKey'],
    [{ publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' }, 'publicKey'],
    [{ privateKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }, 'privateKey'],
    [{ publicKey, id: '' }, 'id']
  ] as const) {
    t.match(left(rsaKey(input)), { _tag: 'InvalidInput', field }, field)
  }
  right(rsaKey({ publicKey: small, legacyLength: true }))
})

t.test('neither the key nor an error shows a secret', async (t) => {
  const key = right(rsaKey({ publicKey, privateKey }))
  const errors = [
    left(rsaKey({ privateKey: encrypted, passphrase: 'TopSecret' })),
    left(rsaKey({ privateKey: `${privateKey}x`, publicKey: 'TopSecret' })),
    left(rsaKey({ privatekey: privateKey } as never))
  ]
  const shown = [key, ...errors]
    .map((each) => inspect(each, { showHidden: true, depth: 9 }) + JSON.stringify(each))
    .concat(errors.map(formatError))
    .join()
  t.notMatch(shown, /TopSecret|MIIE|BEGIN/)
})
