import { chmod, copyFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { formatError } from '../../lib/core/format-error.js'
import { generateAesKey, generateRsaKeyPair } from '../../lib/encryption/generate-keys.js'
import { aesKeyFromFile, rsaKeyFromFiles } from '../../lib/encryption/key-files.js'
import { aes, rsa, vectorKeyFile } from '../support/encryption.js'
import { left, right } from '../support/server.js'

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

t.test('keys are read from files that only their owner can read', async (t) => {
  const dir = t.testdir()
  const [secret, privateKey] = [join(dir, 'aes.key'), join(dir, 'private.pem')]
  await copyFile(vectorKeyFile('aes256-a.key'), secret)
  await copyFile(vectorKeyFile('rsa2048-a.private.pkcs8.encrypted.pem'), privateKey)
  const publicKey = vectorKeyFile('rsa2048-a.public.spki.pem')
  const passphrase = 'test-passphrase'
  for (const mode of [0o600, 0o400]) {
    await chmod(secret, mode)
    await chmod(privateKey, mode)
    t.equal(right(await aesKeyFromFile(secret)()).id, aes.id)
    t.equal(right(await rsaKeyFromFiles({ publicKey, privateKey }, { passphrase })()).id, rsa.id)
    t.equal(right(await rsaKeyFromFiles({ privateKey }, { passphrase, id: 'x' })()).id, 'x')
  }
  t.equal(right(await rsaKeyFromFiles({ publicKey })()).id, rsa.id)
})

t.test('a secret key that others can read or replace is KeyFile', async (t) => {
  const dir = t.testdir()
  const secret = join(dir, 'aes.key')
  await copyFile(vectorKeyFile('aes256-a.key'), secret)
  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o602, 0o660]) {
    await chmod(secret, mode)
    for (const read of [aesKeyFromFile(secret), rsaKeyFromFiles({ privateKey: secret })]) {
      const error = left(await read())
      t.match(error, {
        _tag: 'EncryptionError',
        reason: 'KeyFile',
        problem: new RegExp(`0${mode.toString(8)}`)
      })
      t.notMatch(inspect(error) + formatError(error), /AAECAwQF/)
    }
    t.equal(right(await aesKeyFromFile(secret, { allowOpenPermissions: true })()).id, aes.id)
  }
})

t.test('a missing file is a FileError and nothing is created in its place', async (t) => {
  const missing = join(t.testdir(), 'missing')
  t.match(left(await aesKeyFromFile(missing)()), { _tag: 'FileError', code: 'ENOENT', path: missing })
  t.match(left(await rsaKeyFromFiles({ publicKey: missing })()), { _tag: 'FileError', code: 'ENOENT' })
  t.match(left(await aesKeyFromFile(missing)()), { _tag: 'FileError', code: 'ENOENT' })
})

t.test('a file with something else, or too large, is refused without its contents', async (t) => {
  const path = join(t.testdir(), 'k')
  for (const text of ['TopSecret password', '-----BEGIN TopSecret-----', '']) {
    await writeFile(path, text, { mode: 0o600 })
    const error = left(await aesKeyFromFile(path)())
    t.match(error, { _tag: 'InvalidInput', field: 'secret' })
    t.notMatch(inspect(error) + formatError(error), /TopSecret/)
  }
  await writeFile(path, 'A'.repeat(70_000), { mode: 0o600 })
  t.match(left(await aesKeyFromFile(path)()), { reason: 'KeyFile' })
  t.match(left(await aesKeyFromFile('')()), { _tag: 'InvalidInput', field: 'path' })
  t.match(left(await aesKeyFromFile(path, { idd: 'x' } as never)()), { _tag: 'InvalidInput', field: 'idd' })
})

t.test('generated keys have mode 0600, are read back, and replace no file', async (t) => {
  const dir = t.testdir({ taken: 'precious' })
  const path = join(dir, 'aes.key')
  const key = right(await generateAesKey(path, { id: '2026' })())
  t.equal(key.id, '2026')
  t.equal(await modeOf(path), 0o600)
  t.match(await readFile(path, 'utf8'), /^[A-Za-z0-9+/]{43}=\n$/)
  t.equal(right(await aesKeyFromFile(path)()).id, right(await aesKeyFromFile(path)()).id)
  const before = await readFile(path, 'utf8')
  t.match(left(await generateAesKey(path)()), { _tag: 'FileError', code: 'EEXIST' })
  t.equal(await readFile(path, 'utf8'), before)

  const pair = { publicKey: join(dir, 'public.pem'), privateKey: join(dir, 'private.pem') }
  const generated = right(await generateRsaKeyPair(pair, { modulusLength: 2048, passphrase: 'pass' })())
  t.equal(await modeOf(pair.privateKey), 0o600)
  t.match(await readFile(pair.privateKey, 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/)
  t.equal(right(await rsaKeyFromFiles(pair, { passphrase: 'pass' })()).id, generated.id)
  t.match(left(await generateRsaKeyPair(pair, { modulusLength: 2048 })()), { code: 'EEXIST' })

  // The private key of a pair whose public file exists is not left behind.
  const half = { publicKey: join(dir, 'taken'), privateKey: join(dir, 'new.pem') }
  t.match(left(await generateRsaKeyPair(half, { modulusLength: 2048 })()), { code: 'EEXIST' })
  t.equal(await readFile(half.publicKey, 'utf8'), 'precious')
  await t.rejects(stat(half.privateKey), { code: 'ENOENT' })
  t.match(left(await generateRsaKeyPair(pair, { modulusLength: 1024 as never })()), {
    field: 'modulusLength'
  })
  t.match(left(await generateAesKey(join(dir, 'none/here'))()), { _tag: 'FileError', code: 'ENOENT' })
})
