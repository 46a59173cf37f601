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

const der = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')

/** Bytes with their length in front, as RFC 4253 writes them. */
const sshField = (bytes: Uint8Array | string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, Buffer.from(bytes)])
}

const jwk = createPublicKey(publicKey).export({ format: 'jwk' })
const sshFieldsOf = [
  sshField('ssh-rsa'),
  sshField(Buffer.from(String(jwk.e), 'base64url')),
  sshField(Buffer.concat([Buffer.alloc(1), Buffer.from(String(jwk.n), 'base64url')]))
]
// Of the vector's public key, by Python's cryptography 48 (OpenSSH format).
const opensshLine =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCfGDZrw0HxgAsudP+mNUeZwyhnM1wZUVEGk7MHnADNsyuGnqdDXG9iuzqq61gc2FeJ6nSUuxGrxrJ0yYOTBMlNIf3Y7eue5kwyuJspPMu8S2PnyWgw9fOBoGR0kvtVE8GPvL4b/p2IH9da9rwNiulVVYHzLPK8aUCKoV0c2QKLc31VHHMpkwoplPlPUoVM+ans1cNpLIFcyD3dcxfe49ZCrq1ncW3vifWH0K18NpMFMffrSLzDu1eQRsObIPjT0xd1lLjWlO0iRzMq4yBTif1DaLuegEk+EOIw1VPB3dgj5QQrc+tqyynQORdPufhrD3OZupsPjoKwFw2dHJPymTC1'
const sshLine = (fields: ReadonlyArray<Buffer>): string =>
  `ssh-rsa ${Buffer.concat(fields).toString('base64')} me@example\n`

t.test('DER and the line of an OpenSSH public key are the same key, also as bytes of a file', async (t) => {
  const key = right(rsaKey({ publicKey, privateKey }))
  const encryptedDer = createPrivateKey(privateKey).export({
    type: 'pkcs8',
    format: 'der',
    cipher: 'aes-256-cbc',
    passphrase: 'x'
  })
  for (const input of [
    { publicKey: der(publicKey) },
    { publicKey: der(vectorKeyText('rsa2048-a.public.pkcs1.pem')) },
    { privateKey: der(privateKey) },
    { privateKey: der(vectorKeyText('rsa2048-a.private.pkcs1.pem')) },
    { privateKey: encryptedDer, passphrase: 'x' },
    { publicKey: opensshLine },
    { publicKey: sshLine(sshFieldsOf) },
    { publicKey: Buffer.from(sshLine(sshFieldsOf)), privateKey: Buffer.from(privateKey) }
  ])
    t.equal(right(rsaKey(input)).id, key.id)
  t.match(left(rsaKey({ privateKey: encryptedDer })), { field: 'passphrase', message: /is required/ })
  t.match(left(rsaKey({ privateKey: encryptedDer, passphrase: 'y' })), {
    field: 'passphrase',
    message: /does not decrypt/
  })
})

t.test('damaged key bytes are refused with the forms that are accepted', async (t) => {
  const [type, e, n] = sshFieldsOf
  for (const line of [
    sshLine([type!, e!]),
    sshLine([type!, e!, n!, n!]),
    sshLine([sshField('ssh-dss'), e!, n!]),
    sshLine([type!, e!, n!.subarray(0, -1)]),
    'ssh-rsa ????',
    'ssh-rsa AAAA'
  ])
    t.match(
      left(rsaKey({ publicKey: line })),
      { field: 'publicKey', message: /SPKI or PKCS#1.*ssh-rsa/ },
      line
    )
  for (const cut of [1, 2, 100]) {
    t.match(left(rsaKey({ publicKey: der(publicKey).subarray(0, -cut) })), { field: 'publicKey' })
    t.match(left(rsaKey({ privateKey: der(privateKey).subarray(0, -cut) })), { field: 'privateKey' })
  }
  t.match(left(rsaKey({ privateKey: sshLine(sshFieldsOf) })), { field: 'privateKey', message: /not OpenSSH/ })
  for (const other of ['ssh-ed25519 AAAA', 'MIIB', '', Buffer.alloc(0), Buffer.from('text'), 7])
    t.match(left(rsaKey({ publicKey: other } as never)), { field: 'publicKey', message: /DER/ })
})

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
