import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { MiB } from '../../../lib/core/limits.js'
import { encrypted, type EncryptionClient } from '../../../lib/transfers/encrypted/encrypted.js'
import { uploadDirectory } from '../../../lib/transfers/directory/upload-directory.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos } from '../../support/cos.js'
import { aes, readBytes, rsa, wrongAes } from '../../support/encryption.js'
import { isLongForm } from '../../support/long-form.js'
import { left, right } from '../../support/server.js'

const files: ReadonlyArray<readonly [path: string, size: number]> = [
  ['a.txt', 5],
  ['empty', 0],
  ['sub/large.bin', MiB + 5]
]

const prepare = async (t: { readonly testdir: (fixture: Record<string, string>) => string }) => {
  const directory = t.testdir({})
  for (const folder of ['sub', 'none']) await mkdir(join(directory, folder))
  for (const [path, size] of files) await writeFile(join(directory, path), bytesOf(size))
  // Before the second of the uploads.
  for (const [path] of files) await utimes(join(directory, path), 1_000_000, 1_000_000)
  return { bucket, prefix: 'p/', directory, threshold: MiB, partSize: MiB, checkpoint: false } as const
}

t.test(
  'a directory is uploaded encrypted, and files that are there are skipped by CRC64 or time',
  async (t) => {
    const client = (await startCos(t)).client()
    const input = await prepare(t)
    for (const format of isLongForm ? (['sealed', 'python'] as const) : (['sealed'] as const)) {
      const at = { ...input, prefix: format }
      const vault = encrypted(aes, { format })
      const first = right(await collect(vault.uploadDirectory(at))(client)())
      t.equal(first.length, 4)
      for (const [path, size] of files) {
        t.match(
          first.find((result) => 'path' in result && result.path === path),
          { _tag: 'Uploaded', uploaded: { size, format, keyId: aes.id } }
        )
        const bytes = right(await readBytes(vault.getObject({ bucket, key: `${format}/${path}` }))(client)())
        t.ok(bytes.equals(bytesOf(size)))
      }
      for (const skip of ['crc64', 'time'] as const) {
        const again = right(await collect(vault.uploadDirectory({ ...at, skip }))(client)())
        for (const [path, size] of files)
          t.match(
            again.find((result) => 'path' in result && result.path === path),
            { _tag: 'Skipped', size }
          )
        t.match(
          again.find((result) => 'path' in result && result.path === 'none/'),
          { _tag: 'Skipped', size: 0 }
        )
      }
    }
  }
)

t.test('a file whose object was rewrapped is skipped, and one request more reads the header', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const input = await prepare(t)
  right(await collect(encrypted(aes).uploadDirectory(input))(client)())
  for (const [path] of files)
    right(await encrypted(aes).rewrap({ bucket, key: `p/${path}`, to: rsa })(client)())
  const again = right(await collect(encrypted(rsa).uploadDirectory(input))(client)())
  for (const [path, size] of files)
    t.match(
      again.find((result) => 'path' in result && result.path === path),
      { _tag: 'Skipped', size }
    )
  t.equal(cos.count('GetObject'), files.length)
  await writeFile(join(input.directory, 'a.txt'), bytesOf(5, 2))
  const changed = right(await collect(encrypted(rsa).uploadDirectory(input))(client)())
  t.same(
    changed.flatMap((result) => (result._tag === 'Uploaded' ? [result.path] : [])),
    ['a.txt']
  )
})

t.test('an object of another key or format, or a plain one of the size, is uploaded again', async (t) => {
  const client = (await startCos(t)).client()
  const input = await prepare(t)
  const vault = encrypted(aes)
  const count = async (other: EncryptionClient, skip: 'crc64' | 'time'): Promise<number> => {
    const results = right(await collect(other.uploadDirectory({ ...input, skip }))(client)())
    return results.filter(({ _tag }) => _tag === 'Uploaded').length
  }
  t.equal(await count(vault, 'crc64'), 3)
  t.equal(await count(encrypted(wrongAes), 'crc64'), 3)
  t.equal(await count(encrypted(aes, { format: 'python' }), 'time'), 3)
  right(await collect(uploadDirectory({ ...input, skip: 'never' }))(client)())
  t.equal(await count(encrypted(aes, { format: 'python' }), 'time'), 3)
})

t.test('inputs that cannot be encrypted fail the stream before anything is sent', async (t) => {
  const cos = await startCos(t)
  const input = await prepare(t)
  for (const [change, field] of [
    [{ partSize: MiB + 16 }, 'partSize'],
    [{ picOperations: '{}' }, 'picOperations'],
    [{ resume: 'never' }, 'resume'],
    [{ directory: '' }, 'directory']
  ] as const)
    t.match(left(await collect(encrypted(aes).uploadDirectory({ ...input, ...change }))(cos.client())()), {
      _tag: 'InvalidInput',
      field
    })
  t.ok(E.isLeft(await collect(encrypted('x' as never).uploadDirectory(input))(cos.client())()))
  t.same(cos.operations(), [])
})
