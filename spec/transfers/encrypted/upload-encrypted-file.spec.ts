import { chmod, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from 'fp-ts/lib/Json.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { kmsKey } from '../../../lib/encryption/kms-key.js'
import type { WriteFormat } from '../../../lib/encryption/object-cipher.js'
import { rsaKey } from '../../../lib/encryption/rsa-key.js'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { readRecords, writeRecord } from '../../../lib/files/journal-records.js'
import { send } from '../../../lib/client/send.js'
import { KiB, MiB } from '../../../lib/core/limits.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { aes, readBytes, rsa, vectorKeyText, wrongAes } from '../../support/encryption.js'
import { createKeyStreams } from '../../support/key-streams.js'
import { recordBodies } from '../../support/received-bodies.js'
import { isLongForm } from '../../support/long-form.js'
import { left, right } from '../../support/server.js'

const object = { bucket, key: 'files/f.bin' }
const bytes = bytesOf(2 * MiB + 3)
const formats: ReadonlyArray<WriteFormat> = ['sealed', 'python']

/** Both formats in the long form; in the short form, one of them for each case. */
const formatsOf = (at: number): ReadonlyArray<WriteFormat> =>
  isLongForm ? formats : formats.slice(at % 2, (at % 2) + 1)

interface Test {
  readonly teardown: (clean: () => unknown) => unknown
  readonly testdir: (fixture: Record<string, string>) => string
}

/** The third part fails once. */
const failOnce = (): EmulatorOptions => ({
  fault: script([
    {
      operation: 'UploadPart',
      query: { partNumber: '3' },
      times: 1,
      fault: { response: { status: 403, code: 'AccessDenied' } }
    }
  ])
})

const prepare = async (t: Test, options: EmulatorOptions = failOnce()) => {
  const directory = t.testdir({})
  const file = join(directory, 'f.bin')
  const checkpoint = join(directory, 'checkpoints')
  await writeFile(file, bytes)
  const cos = await startCos(t, options)
  const input = { ...object, file, checkpoint, threshold: MiB, partSize: MiB, concurrency: 1 } as const
  return { cos, client: cos.client(), input, file, checkpoint, received: recordBodies(t, cos.emulator) }
}

const openUploads = async (cos: Cos): Promise<number> =>
  right(await send(listMultipartUploads({ bucket }))(cos.client())()).uploads.length

/** The only journal in a directory. */
const journalIn = async (checkpoint: string) => {
  const [name = ''] = await readdir(checkpoint)
  const path = join(checkpoint, name)
  const text = await readFile(path)
  const end = text.indexOf('\n') + 1
  const { records } = readRecords(text.subarray(end))
  const write = (changed: ReadonlyArray<Json>): Promise<void> =>
    writeFile(path, Buffer.concat([text.subarray(0, end), ...changed.map(writeRecord)]))
  return { path, records, write }
}

t.test('a file is encrypted by one PUT or in parts, and decrypted to the same bytes', async (t) => {
  const { client, input, file, checkpoint } = await prepare(t, {})
  for (const format of formats)
    for (const size of isLongForm
      ? [0, 1, 64 * KiB, MiB, MiB + 1, 2 * MiB, 2 * MiB + 3]
      : [0, MiB, MiB + 1]) {
      const plain = bytes.subarray(0, size)
      await writeFile(file, plain)
      const vault = encrypted(aes, { format })
      const result = right(await vault.uploadFile(input)(client)())
      const stored = right(await readBytes(send(getObject(object)))(client)())
      t.match(result, {
        ...{ size, storedSize: stored.length, format, keyId: aes.id, skipped: false },
        ...{ multipart: size > MiB, integrity: { _tag: 'Verified' } }
      })
      t.ok(right(await readBytes(vault.getObject(object))(client)()).equals(plain))
    }
  t.same(await readdir(checkpoint), [])
})

t.test('a retried part is the same bytes, also if it was not held in memory', async (t) => {
  for (const [format, memoryLimit] of [
    ['sealed', 64 * MiB],
    ['sealed', 2 * MiB],
    ['python', 64 * MiB],
    ['python', 2 * MiB]
  ] as const) {
    const { cos, input, received } = await prepare(t, {
      fault: ({ operation, count: nth }) =>
        operation === 'UploadPart' && nth % 2 === 1 ? { cut: { at: 'request', after: 500_000 } } : undefined
    })
    // Of 2 MiB, half is for parts.
    const partSize = MiB + 64 * KiB
    const streams = createKeyStreams(aes, partSize)
    const { uploadFile } = encrypted(aes, { format })
    right(await uploadFile({ ...input, partSize })(cos.client({ memoryLimit }))())
    t.same(await streams.add(received()), [])
    t.ok(streams.compared() > MiB / 2)
  }
})

t.test('a kept upload is resumed with its data key, and only the missing parts are sent', async (t) => {
  for (const [n, key] of [aes, rsa].entries())
    for (const format of formatsOf(n)) {
      const { cos, client, input, checkpoint, received } = await prepare(t)
      const streams = createKeyStreams(key, MiB)
      const vault = encrypted(key, { format })
      left(await vault.uploadFile({ ...input, onFailure: 'keep' })(client)())
      const { path } = await journalIn(checkpoint)
      t.equal((await stat(path)).mode & 0o777, 0o600)
      const resumed = right(await vault.uploadFile(input)(client)())
      t.ok(resumed.resumed >= 2 * MiB, `${format} ${key.kind}`)
      t.equal(resumed.size, bytes.length)
      t.same(await readdir(checkpoint), [])
      t.equal(await openUploads(cos), 0)
      t.ok(right(await readBytes(vault.getObject(object))(client)()).equals(bytes))
      t.same(await streams.add(received()), [])
      t.equal(streams.dataKeys().size, 1)
    }
})

t.test('the digest of a part is in the journal before the part is sent', async (t) => {
  const found: Array<Promise<boolean>> = []
  let folder = ''
  const { client, input, checkpoint } = await prepare(t, {
    fault: ({ operation, query }) => {
      if (operation === 'UploadPart')
        found.push(
          journalIn(folder).then(({ records }) =>
            records.some((record) => Array.isArray(record) && record[0] === Number(query['partNumber']))
          )
        )
      return operation === 'UploadPart' ? { delay: 20 } : undefined
    }
  })
  folder = checkpoint
  right(await encrypted(aes).uploadFile({ ...input, concurrency: 3 })(client)())
  t.same(await Promise.all(found), [true, true, true])
})

type Prepared = Awaited<ReturnType<typeof prepare>>

const changes: ReadonlyArray<readonly [name: string, change: (prepared: Prepared) => Promise<unknown>]> = [
  ['the file has other bytes', ({ file }) => writeFile(file, bytesOf(bytes.length, 9))],
  [
    'the file has other bytes and its old time',
    async ({ file }) => {
      const { atime, mtime } = await stat(file)
      await writeFile(file, bytesOf(bytes.length, 9))
      await utimes(file, atime, mtime)
    }
  ],
  ['the file was touched', ({ file }) => utimes(file, 1, 1)],
  [
    'the digest of a part that was sent is another',
    async ({ checkpoint }) => {
      const { records, write } = await journalIn(checkpoint)
      await write(
        records.map((each) => (Array.isArray(each) && each[0] === 3 ? [3, 'AAAAAAAAAAAAAAAAAAAAAA=='] : each))
      )
    }
  ],
  [
    'the journal has no header',
    async ({ checkpoint }) => {
      const { records, write } = await journalIn(checkpoint)
      await write(records.slice(1))
    }
  ],
  [
    'the header of the journal was changed',
    async ({ checkpoint }) => {
      const { records, write } = await journalIn(checkpoint)
      await write(records.map((each, n) => (n === 0 ? { ...(each as object), mac: 'x' } : each)))
    }
  ],
  ['others can write the journal', async ({ checkpoint }) => chmod((await journalIn(checkpoint)).path, 0o666)]
]

for (const [n, [name, change]] of changes.entries())
  t.test(`a new upload with a new data key is created if ${name}`, async (t) => {
    for (const format of formatsOf(n)) {
      const prepared = await prepare(t)
      const { client, input, file, checkpoint, received } = prepared
      const streams = createKeyStreams(aes, MiB)
      const vault = encrypted(aes, { format })
      left(await vault.uploadFile({ ...input, onFailure: 'keep' })(client)())
      await change(prepared)
      const result = right(await vault.uploadFile(input)(client)())
      t.equal(result.resumed, 0)
      t.same(await readdir(checkpoint), [])
      t.ok(right(await readBytes(vault.getObject(object))(client)()).equals(await readFile(file)))
      t.same(await streams.add(received()), [])
      t.equal(streams.dataKeys().size, 2)
    }
  })

const publicOnly = right(rsaKey({ publicKey: vectorKeyText('rsa2048-a.public.spki.pem') }))

t.test(
  'an upload is not resumed with another key, format, binding or part size, and the old one is aborted',
  async (t) => {
    const before = encrypted(aes)
    for (const [about, first, second, change] of [
      ['key', before, encrypted(wrongAes), {}],
      ['Python key', encrypted(aes, { format: 'python' }), encrypted(wrongAes, { format: 'python' }), {}],
      ['public key', encrypted(rsa), encrypted(publicOnly), {}],
      ['format', before, encrypted(aes, { format: 'python' }), {}],
      ['binding', before, encrypted(aes, { bindsName: false }), {}],
      ['part size', before, before, { partSize: MiB + 64 * KiB }]
    ] as const) {
      const { cos, client, input } = await prepare(t)
      left(await first.uploadFile({ ...input, onFailure: 'keep' })(client)())
      t.match(right(await second.uploadFile({ ...input, ...change })(client)()), { resumed: 0 }, about)
      t.equal(await openUploads(cos), 0, about)
    }
  }
)

t.test('an earlier upload of a file that has changed is kept with onFailure keep', async (t) => {
  const { cos, client, input, file } = await prepare(t)
  const vault = encrypted(aes)
  left(await vault.uploadFile({ ...input, onFailure: 'keep' })(client)())
  await writeFile(file, bytesOf(bytes.length, 9))
  right(await vault.uploadFile({ ...input, onFailure: 'keep' })(client)())
  t.equal(await openUploads(cos), 1)
})

t.test('a plain upload and an encrypted one do not resume each other', async (t) => {
  for (const [first, second] of [
    [uploadFile, encrypted(aes).uploadFile],
    [encrypted(aes).uploadFile, uploadFile]
  ] as const) {
    const { cos, client, input } = await prepare(t)
    left(await first({ ...input, onFailure: 'keep' })(client)())
    t.equal(right(await second(input)(client)()).resumed, 0)
    t.equal(await openUploads(cos), 1)
  }
})

t.test('a key service that fails leaves the earlier upload and its journal', async (t) => {
  let isDown = false
  const pad = bytesOf(32, 3)
  const mask = (key: Uint8Array): Uint8Array => key.map((byte, n) => byte ^ (pad[n] ?? 0))
  const kms = right(
    kmsKey({
      id: 'cmk',
      wrap: (key) => TE.right(mask(key)),
      unwrap: (key) => (isDown ? TE.left('down') : TE.right(mask(key)))
    })
  )
  const { client, input, checkpoint } = await prepare(t)
  const vault = encrypted(kms)
  left(await vault.uploadFile({ ...input, onFailure: 'keep' })(client)())
  isDown = true
  t.match(left(await vault.uploadFile(input)(client)()), { _tag: 'EncryptionError', reason: 'Kms' })
  t.equal((await readdir(checkpoint)).length, 1)
  isDown = false
  t.ok(right(await vault.uploadFile(input)(client)()).resumed >= 2 * MiB)
})

t.test('without a checkpoint each run has a new data key', async (t) => {
  const { client, input, received } = await prepare(t)
  const streams = createKeyStreams(aes, MiB)
  const vault = encrypted(aes)
  left(await vault.uploadFile({ ...input, checkpoint: false, onFailure: 'keep' })(client)())
  t.equal(right(await vault.uploadFile({ ...input, checkpoint: false })(client)()).resumed, 0)
  t.same(await streams.add(received()), [])
  t.equal(streams.dataKeys().size, 2)
})

t.test('an upload that disappears while it is filled is restarted with a new data key', async (t) => {
  const { client, input, received } = await prepare(t, {
    fault: ({ operation, query, count: nth }) =>
      operation === 'UploadPart' && query['partNumber'] === '3' && nth <= 4
        ? {
            response: nth <= 3 ? { status: 403, code: 'AccessDenied' } : { status: 404, code: 'NoSuchUpload' }
          }
        : undefined
  })
  const streams = createKeyStreams(aes, MiB)
  const vault = encrypted(aes)
  left(await vault.uploadFile({ ...input, onFailure: 'keep' })(client)())
  t.match(right(await vault.uploadFile(input)(client)()), { resumed: 0, parts: 3 })
  t.same(await streams.add(received()), [])
  t.equal(streams.dataKeys().size, 2)
  t.ok(right(await readBytes(vault.getObject(object))(client)()).equals(bytes))
})

t.test('skipExisting skips an object with the same plaintext that the key opens', async (t) => {
  for (const format of formats) {
    const { cos, client, input, file } = await prepare(t, {})
    const vault = encrypted(aes, { format })
    const skipping = { ...input, skipExisting: true }
    const first = right(await vault.uploadFile(skipping)(client)())
    t.equal(first.skipped, false)
    const puts = cos.count('UploadPart')
    const again = right(await vault.uploadFile(skipping)(client)())
    t.match(again, { skipped: true, size: bytes.length, storedSize: first.storedSize })
    t.equal(cos.count('UploadPart'), puts)
    for (const other of [encrypted(wrongAes, { format }), vault]) {
      if (other === vault) await writeFile(file, bytesOf(bytes.length, 4))
      t.equal(right(await other.uploadFile(skipping)(client)()).skipped, false)
    }
    const to = right(aesKey(bytesOf(32, 8), { id: '2027' }))
    right(await vault.rewrap({ ...object, to })(client)())
    const rewrapped = encrypted(to, { format }).uploadFile(skipping)
    t.equal(
      right(await rewrapped(client)()).skipped,
      true,
      'the header in a sealed object has the old wrapping'
    )
    await writeFile(file, bytesOf(bytes.length, 5))
    t.equal(right(await rewrapped(client)()).skipped, false, 'other bytes')
    right(await uploadFile(input)(client)())
    t.equal(right(await vault.uploadFile(skipping)(client)()).skipped, false, 'a plain object')
  }
})

t.test('inputs that cannot be encrypted are refused before anything is sent', async (t) => {
  const { cos, client, input } = await prepare(t)
  for (const [change, field] of [
    [{ partSize: MiB + 16 }, 'partSize'],
    [{ resume: { uploadId: 'x' } }, 'resume'],
    [{ resume: { minAge: 0 } }, 'resume'],
    [{ picOperations: '{}' }, 'picOperations'],
    [{ metadata: { 'client-side-encryption-key': 'x' } }, 'metadata.client-side-encryption-key'],
    [{ file: '' }, 'file']
  ] as const)
    t.match(left(await encrypted(aes).uploadFile({ ...input, ...change } as never)(client)()), {
      _tag: 'InvalidInput',
      field
    })
  t.same(cos.operations(), [])
})
