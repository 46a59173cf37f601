/** No master key, data key or plaintext is in an error, an event, an inspection or a JSON. */
import { createPrivateKey } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { CosException, type CosError } from '../../../lib/core/error.js'
import { formatError } from '../../../lib/core/format-error.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { generateAesKey, generateRsaKeyPair } from '../../../lib/encryption/generate-keys.js'
import { aesKeyFromFile, rsaKeyFromFiles } from '../../../lib/encryption/key-files.js'
import { keyring } from '../../../lib/encryption/keyring.js'
import { kmsKey } from '../../../lib/encryption/kms-key.js'
import { rsaKey } from '../../../lib/encryption/rsa-key.js'
import { nameHash } from '../../../lib/encryption/sealed-header.js'
import { deriveKeys } from '../../../lib/encryption/sealed-key.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { splitBytes } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import { at, javaVectors, readBytes, store, vectorKeyText } from '../../support/encryption.js'
import { secretForms, shownForms } from '../../support/secret-forms.js'
import { left, right } from '../../support/server.js'

const masterSecret = Buffer.from('TopSecretMasterKeyTopSecretMastr')
const dataSecret = Buffer.from('TopSecretDataKeyTopSecretDataKey')
const ivSecret = Buffer.from('TopSecretCounter')
const plaintext = Buffer.from('TopSecretPlaintextTopSecretPlaintextTopSecretPlaintext')
const passphrase = 'TopSecretPassphrase'

const privatePem = vectorKeyText('rsa2048-a.private.pkcs8.pem')
const jwk = createPrivateKey(privatePem).export({ format: 'jwk' })

const secrets: ReadonlyArray<string> = [
  ...[masterSecret, dataSecret, ivSecret, plaintext].flatMap(secretForms),
  passphrase,
  ...['d', 'p', 'q'].map((name) => String(jwk[name]).slice(0, 20)),
  ...privatePem.split('\n').slice(1, 4)
]

const aes = right(aesKey(masterSecret))
const rsa = right(
  rsaKey({
    privateKey: createPrivateKey(privatePem)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString(),
    passphrase
  })
)
const kms = right(
  kmsKey({ id: 'cmk', wrap: () => TE.left(passphrase), unwrap: () => TE.left({ secret: passphrase }) })
)

t.test('no secret is in keys, clients, results, errors and events', async (t) => {
  const shown: Array<string> = []
  const show = (value: unknown): void => {
    shown.push(shownForms(value))
  }
  const fail = (result: E.Either<CosError, unknown>): void => {
    const error = left(result)
    show(error)
    show(new CosException(error))
    shown.push(formatError(error), new CosException(error).stack ?? '')
  }
  const channels = ['operation', 'attempt', 'part', 'transfer'].map((name) => `cospipe:${name}`)
  for (const channel of channels) subscribe(channel, show)
  t.teardown(() => {
    for (const channel of channels) unsubscribe(channel, show)
  })

  let count = 0
  const cos = await startCos(t, {
    fault: ({ operation }) => {
      count += 1
      return operation === 'PutObject' && count % 2 === 0 ? { response: { status: 503 } } : undefined
    }
  })
  // The first draw is the data key; later ones of its size are salts and seeds, which are public.
  const createClient = () => {
    const draws = [dataSecret]
    return {
      ...cos.client(),
      random: (size: number) => (size === 16 ? ivSecret : (draws.shift() ?? Buffer.alloc(size, 1)))
    }
  }
  for (const [key, format] of [
    [aes, 'python'],
    [rsa, 'python'],
    [aes, 'sealed'],
    [rsa, 'sealed']
  ] as const) {
    const vault = encrypted(keyring(key, kms), { format, accepts: ['sealed', 'python', 'go', 'java-gcm'] })
    show([key, vault, kms, keyring(key, kms)])
    const body = { open: () => splitBytes(plaintext, 7), size: plaintext.length }
    show(vault.putObject({ ...at, body }))
    show(right(await vault.putObject({ ...at, body })(createClient())()))
    show(right(await vault.headObject(at)(cos.client())()))
    const got = right(await vault.getObject(at)(cos.client())())
    show({ ...got, body: undefined })
    t.ok(right(await readBytes(() => TE.right(got))(cos.client())()).equals(plaintext))
    const upload = right(await vault.createMultipartUpload(at)(createClient())())
    show(upload)
    const part = { upload, partNumber: 1, offset: 0, last: true }
    show(right(await vault.uploadPart({ ...part, body: plaintext })(cos.client())()))
    fail(await vault.uploadPart({ ...part, body: plaintext.subarray(1) })(cos.client())())
    fail(await vault.uploadPart({ ...part, body: plaintext, offset: 5 })(cos.client())())
    fail(await vault.uploadPart({ ...part, body: Buffer.from(plaintext).reverse() })(cos.client())())
    fail(
      await vault.putObject({ ...at, body: plaintext, metadata: { 'x-cos-iv': passphrase } })(
        createClient()
      )()
    )
    fail(await vault.putObject({ ...at, body: plaintext, colour: passphrase } as never)(createClient())())
    const other = encrypted(key === aes ? rsa : aes, { format })
    fail(await other.getObject(at)(cos.client())())
  }
  const java = javaVectors().find(({ id }) => id === 'java-rsa-gcm')
  const sealed = Buffer.from(java?.ciphertext.base64 ?? '', 'base64')
  sealed[0] = sealed[0]! ^ 1
  await store(cos.client(), sealed, java?.metadata ?? {})
  const reader = encrypted(rsa, { format: 'python', accepts: ['java-gcm'] })
  fail(await readBytes(reader.getObject(at))(cos.client())())
  const p = 'x-cos-meta-client-side-encryption-'
  await store(cos.client(), sealed, {
    [`${p}key`]: 'AAEC',
    [`${p}start`]: 'AAEC',
    [`${p}cek-alg`]: 'AES/CTR/NoPadding',
    [`${p}wrap-alg`]: 'KMS/TencentCloud'
  })
  fail(await encrypted(kms, { format: 'python', accepts: ['go'] }).getObject(at)(cos.client())())
  fail(await encrypted(passphrase as never, { format: 'python' }).getObject(at)(cos.client())())

  const text = shown.join('\n')
  t.ok(shown.length > 80, `${String(shown.length)} values`)
  for (const secret of secrets) t.notOk(text.includes(secret), secret.slice(0, 12))
})

t.test('a secret that is given as another option by mistake is not in the error', async (t) => {
  const cos = await startCos(t, {})
  // Without a word by which a value is recognized as a secret.
  const wrong = 'correct horse\nbattery'
  const shown: Array<string> = []
  const expectHidden = (name: string, result: E.Either<CosError, unknown>): void => {
    const error = left(result)
    t.match(error, { _tag: 'InvalidInput', field: name.split('.')[1] }, name)
    t.notOk(shownForms([error, new CosException(error), formatError(error)]).includes('horse'), name)
    shown.push(name)
  }
  for (const name of ['format', 'accepts', 'pkcs1v15', 'instructionFiles', 'bindsName'])
    expectHidden(`encrypted.${name}`, await encrypted(aes, { [name]: wrong }).getObject(at)(cos.client())())
  for (const name of ['id', 'legacyLength']) {
    expectHidden(`aesKey.${name}`, aesKey(masterSecret, { [name]: wrong }))
    expectHidden(`rsaKey.${name}`, rsaKey({ privateKey: privatePem, [name]: wrong }))
  }
  for (const name of ['id', 'wrap', 'unwrap']) {
    const hook = { id: 'cmk', wrap: () => TE.left(1), unwrap: () => TE.left(1), [name]: wrong }
    expectHidden(`kmsKey.${name}`, kmsKey(hook))
  }
  for (const name of ['id', 'legacyLength', 'allowOpenPermissions']) {
    const value: unknown = name === 'id' ? [wrong] : wrong
    expectHidden(`aesKeyFromFile.${name}`, await aesKeyFromFile('key', { [name]: value })())
    expectHidden(`rsaKeyFromFiles.${name}`, await rsaKeyFromFiles({ privateKey: 'key' }, { [name]: value })())
  }
  expectHidden('generateAesKey.id', await generateAesKey('key', { id: wrong })())
  for (const name of ['id', 'modulusLength']) {
    const paths = { publicKey: 'public', privateKey: 'private' }
    expectHidden(`generateRsaKeyPair.${name}`, await generateRsaKeyPair(paths, { [name]: wrong })())
  }
  t.equal(shown.length, 21)
})

/** The bytes of a file as text, in each form in which a secret could be in it. */
const formsOf = (bytes: Buffer): string =>
  [bytes.toString('latin1'), bytes.toString('hex'), bytes.toString('base64')].join('\n')

t.test('no secret is in the journals, results, errors and events of uploads', async (t) => {
  const shown: Array<string> = []
  const show = (value: unknown): void => {
    shown.push(shownForms(value))
  }
  const channels = ['operation', 'attempt', 'part', 'transfer'].map((name) => `cospipe:${name}`)
  for (const channel of channels) subscribe(channel, show)
  t.teardown(() => {
    for (const channel of channels) unsubscribe(channel, show)
  })
  const cos = await startCos(t, {
    fault: ({ operation, query }) =>
      operation === 'UploadPart' && query['partNumber'] === '3'
        ? { response: { status: 403, code: 'AccessDenied' } }
        : undefined
  })
  const salt = Buffer.alloc(32, 1)
  const draw = () => {
    const draws = [dataSecret]
    return {
      ...cos.client(),
      random: (size: number) => (size === 16 ? ivSecret : (draws.shift() ?? Buffer.alloc(size, 1)))
    }
  }
  const derived = deriveKeys(dataSecret, { salt, name: O.some(nameHash(at)) }).dataKey
  const derivedForms = [derived.key.export(), derived.iv].flatMap((each) => [
    Buffer.from(each).toString('latin1'),
    Buffer.from(each).toString('hex'),
    Buffer.from(each).toString('base64').slice(0, 9)
  ])
  const directory = t.testdir({})
  const [file, checkpoint] = [join(directory, 'source'), join(directory, 'state')]
  const content = Buffer.alloc(3 * 1024 * 1024, plaintext)
  await writeFile(file, content)
  const sizes = { threshold: 1024 * 1024, partSize: 1024 * 1024, onFailure: 'keep' } as const
  for (const key of [aes, rsa])
    for (const format of ['python', 'sealed'] as const) {
      const vault = encrypted(key, { format })
      const upload = vault.uploadFile({ ...at, ...sizes, file, checkpoint, concurrency: 1 })
      const streamed = vault.uploadStream({ ...at, ...sizes })(splitBytes(content, 65_536))
      for (const failed of [await upload(draw())(), await upload(draw())(), await streamed(draw())()]) {
        const error = left(failed)
        show([error, new CosException(error)])
        shown.push(formatError(error))
      }
      show([vault, upload])
      show(right(await vault.uploadStream(at)(splitBytes(plaintext, 7))(draw())()))
      const names = await readdir(checkpoint)
      t.equal(names.length, 1)
      for (const name of names) {
        const journal = await readFile(join(checkpoint, name))
        t.ok(journal.toString().split('\n').length >= 5, 'the journal has a header and parts')
        shown.push(formsOf(journal), name)
        // The base64 inside of the records too.
        for (const [text] of journal.toString().matchAll(/[A-Za-z0-9+/=]{16,}/g))
          shown.push(formsOf(Buffer.from(text, 'base64')))
        await unlink(join(checkpoint, name))
      }
    }
  const text = shown.join('\n')
  t.ok(shown.length > 80, `${String(shown.length)} values`)
  for (const secret of [...secrets, ...derivedForms]) t.notOk(text.includes(secret), secret.slice(0, 12))
})

t.test('a download writes plaintext to its partial file alone, and shows no secret', async (t) => {
  const shown: Array<string> = []
  const show = (value: unknown): void => {
    shown.push(shownForms(value))
  }
  const channels = ['operation', 'attempt', 'part', 'transfer'].map((name) => `cospipe:${name}`)
  for (const channel of channels) subscribe(channel, show)
  t.teardown(() => {
    for (const channel of channels) unsubscribe(channel, show)
  })
  let isBroken = true
  const cos = await startCos(t, {
    fault: ({ operation, headers }) =>
      isBroken && operation === 'GetObject' && Number(/=(\d+)/.exec(headers['range'] ?? '')?.[1]) > 250_000
        ? { response: { status: 403, code: 'AccessDenied' } }
        : undefined
  })
  const content = Buffer.alloc(5 * 65_536, plaintext)
  const next = right(aesKey(Buffer.from(masterSecret).reverse(), { id: 'next' }))
  for (const [key, format] of [
    [aes, 'python'],
    [rsa, 'sealed']
  ] as const) {
    const draws = [dataSecret]
    const client = {
      ...cos.client(),
      random: (size: number) => (size === 16 ? ivSecret : (draws.shift() ?? Buffer.alloc(size, 1)))
    }
    const vault = encrypted(key, { format })
    right(await vault.putObject({ ...at, body: content })(client)())
    const directory = t.testdir({ journals: {}, files: {} })
    const [files, checkpoint] = [join(directory, 'files'), join(directory, 'journals')]
    const file = join(files, 'a.bin')
    const input = { ...at, file, checkpoint, threshold: 0, partSize: 65_536, concurrency: 1 }
    isBroken = true
    const error = left(await vault.downloadFile(input)(client)())
    show([error, new CosException(error)])
    shown.push(formatError(error))
    const down = right(await vault.downloadStream({ ...at, partSize: 65_536 })(client)())
    show({ ...down, body: undefined })
    const cut = left(await readBytes(() => TE.right(down))(client)())
    show([cut, new CosException(cut)])
    const names = (await readdir(directory, { recursive: true })).sort()
    t.same(
      names.filter((name) => /part|journal$/.test(name)).map((name) => name.replace(/.*[/.]/, '')),
      ['part', 'cospipe-journal']
    )
    for (const name of names.filter((each) => each.endsWith('cospipe-journal'))) {
      const journal = await readFile(join(directory, name))
      t.ok(journal.toString().split('\n').length >= 4, 'the journal has a header and ranges')
      shown.push(formsOf(journal), name)
    }
    const part = await readFile(join(files, 'a.bin.cospipe-download', 'part'))
    t.ok(part.includes(plaintext), 'the partial file has plaintext')
    isBroken = false
    const done = right(await vault.downloadFile(input)(client)())
    t.ok(done.resumed > 0)
    show(done)
    t.same(await readdir(directory, { recursive: true }), ['files', 'journals', join('files', 'a.bin')])
    show(right(await vault.rewrap({ ...at, to: next })(client)()))
    show(left(await vault.rewrap({ ...at, to: key })(client)()))
    for await (const entry of encrypted(next, { format }).downloadDirectory({
      bucket: at.bucket,
      directory: files
    })(client))
      show(entry)
  }
  const text = shown.join('\n')
  t.ok(shown.length > 80, `${String(shown.length)} values`)
  for (const secret of secrets) t.notOk(text.includes(secret), secret.slice(0, 12))
})

t.test('the search finds each secret where it is shown', async (t) => {
  for (const bytes of [masterSecret, dataSecret, ivSecret, plaintext])
    for (const form of [bytes, [...bytes], bytes.toString(), bytes.toString('hex'), bytes.toString('base64')])
      t.ok(secrets.some((secret) => shownForms({ form }).includes(secret)))
})
