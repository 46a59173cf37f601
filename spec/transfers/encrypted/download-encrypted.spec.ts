/** Downloads of encrypted objects: every size, format and part size, resumed, and never a wrong byte. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import * as O from 'fp-ts/lib/Option.js'
import t, { type Test } from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import type { Client } from '../../../lib/client/client.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { copyObject } from '../../../lib/operations/copy-object.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { downloadFile } from '../../../lib/transfers/download/download-file.js'
import { encrypted, type EncryptionClient } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../../support/bytes.js'
import { startCos, type Cos } from '../../support/cos.js'
import {
  aes,
  at,
  encryptionErrorOf,
  javaVectors,
  masterKeys,
  plaintextOf,
  pythonVectors,
  readBytes,
  store,
  wrongAes
} from '../../support/encryption.js'
import { countRecordedRanges, createStallFault } from '../../support/download-fixture.js'
import { waitFor } from '../../support/wait-for.js'
import { left, right } from '../../support/server.js'
import { isLongForm, sampleOf } from '../../support/long-form.js'

const segment = 65_536
const vault = encrypted(aes)
const loose = encrypted(aes, { format: 'python', accepts: ['python', 'plain'] })

const put = async (client: Client, body: Uint8Array, by: EncryptionClient = vault): Promise<void> => {
  right(await by.putObject({ ...at, body })(client)())
}
const readStored = async (client: Client): Promise<Buffer> =>
  right(await readBytes(send(getObject(at)))(client)())

const sizes = [0, 1, 16, 17, 65_535, 65_536, 65_537, 131_073]

t.test('downloadStream returns the plaintext of every size and part size', async (t) => {
  const client = (await startCos(t)).client()
  for (const [by, format] of [
    [vault, 'sealed'],
    [loose, 'python']
  ] as const)
    for (const size of sizes) {
      const bytes = bytesOf(size)
      await put(client, bytes, by)
      for (const partSize of [1000, segment, 1 << 20]) {
        if (partSize === 1000 && size > 20) continue
        const down = right(await by.downloadStream({ ...at, partSize })(client)())
        const name = `${format} ${String(size)} by ${String(partSize)}`
        t.ok((await buffer(down.body)).equals(bytes), name)
        t.equal(right(await down.verified())._tag, 'Verified', name)
        t.match(
          down,
          { format, size: O.some(size), isAuthenticated: format === 'sealed', metadata: {} },
          name
        )
      }
    }
})

t.test('downloadFile writes the plaintext of every size and part size', async (t) => {
  const client = (await startCos(t)).client()
  const dir = t.testdir({})
  const file = join(dir, 'a.bin')
  for (const [by, format] of [
    [vault, 'sealed'],
    [loose, 'python']
  ] as const)
    for (const size of sampleOf(sizes, 2)) {
      const bytes = bytesOf(size)
      await put(client, bytes, by)
      const ciphertext = await readStored(client)
      for (const input of [{}, { threshold: 0, partSize: 1 }, { threshold: 0, partSize: segment + 1 }]) {
        if (format === 'python' && input.partSize === 1 && size > 20) continue
        const down = right(await by.downloadFile({ ...at, file, ...input })(client)())
        const name = `${format} ${String(size)} ${JSON.stringify(input)}`
        t.ok((await readFile(file)).equals(bytes), name)
        t.match(
          down,
          {
            format,
            size,
            storedSize: ciphertext.length,
            keyId: O.some(aes.id),
            crc64: O.some(await crc64(ciphertext)),
            integrity: { _tag: 'Verified' },
            isAuthenticated: format === 'sealed'
          },
          name
        )
        t.notOk('content' in down)
        t.same(await readdir(dir), ['a.bin'], name)
      }
    }
})

t.test('objects of the other SDKs are downloaded, and what is not authenticated says so', async (t) => {
  const client = (await startCos(t)).client()
  const file = join(t.testdir({}), 'a.bin')
  let seen = 0
  for (const vector of sampleOf([...pythonVectors(), ...javaVectors()], 3)) {
    const key = masterKeys[vector.masterKey]
    const ciphertext = vector.ciphertext.base64
    if (key === undefined || ciphertext === undefined || vector.instructionObject !== undefined) continue
    await store(client, Buffer.from(ciphertext, 'base64'), vector.metadata)
    const by = encrypted(key, {
      format: 'python',
      accepts: ['python', 'go', 'java-gcm', 'java-ctr', 'java-cbc'],
      pkcs1v15: true
    })
    const got = await readBytes(by.getObject(at))(client)()
    if (got._tag === 'Left') {
      t.match(left(await by.downloadFile({ ...at, file })(client)()), { _tag: got.left._tag }, vector.id)
      continue
    }
    seen += 1
    const down = right(await by.downloadStream({ ...at, partSize: 7 })(client)())
    t.ok((await buffer(down.body)).equals(got.right), vector.id)
    for (const threshold of [0, 1 << 20]) {
      const saved = right(await by.downloadFile({ ...at, file, threshold, partSize: 1000 })(client)())
      t.ok((await readFile(file)).equals(plaintextOf(vector)), vector.id)
      t.equal(saved.size, got.right.length)
      t.equal(saved.isAuthenticated, saved.format === 'java-gcm', vector.id)
    }
  }
  t.ok(seen > (isLongForm ? 10 : 4), `${String(seen)} objects`)
})

t.test('a plain object is downloaded as it is if accepts lists plain', async (t) => {
  const client = (await startCos(t)).client()
  const file = join(t.testdir({}), 'a.bin')
  await store(client, Buffer.from('plain'), {})
  t.match(right(await loose.downloadFile({ ...at, file })(client)()), { format: 'plain', keyId: O.none })
  t.equal(await readFile(file, 'utf8'), 'plain')
  t.match(encryptionErrorOf(await vault.downloadFile({ ...at, file })(client)()), { reason: 'NotEncrypted' })
  t.match(encryptionErrorOf(await vault.downloadStream(at)(client)()), { reason: 'NotEncrypted' })
})

t.test('a wrong key, another name and an invalid input fail before a range is requested', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  await put(client, bytesOf(100))
  const copy = { ...at, key: 'copy.bin' }
  right(await send(copyObject({ ...copy, copySource: { ...at, region: 'ap-guangzhou' } }))(client)())
  const file = join(t.testdir({}), 'a.bin')
  const before = cos.operations().length
  const other = encrypted(right(aesKey(Buffer.alloc(32, 9), { id: aes.id })))
  t.match(encryptionErrorOf(await other.downloadFile({ ...at, file })(client)()), { reason: 'WrongKey' })
  t.match(encryptionErrorOf(await other.downloadStream(at)(client)()), { reason: 'WrongKey' })
  t.match(encryptionErrorOf(await encrypted(wrongAes).downloadStream(at)(client)()), { reason: 'NoKey' })
  t.match(encryptionErrorOf(await vault.downloadStream(copy)(client)()), { reason: 'OtherName' })
  const anywhere = encrypted(aes, { bindsName: false })
  t.ok(right(await anywhere.downloadFile({ ...copy, file })(client)()).isAuthenticated)
  for (const call of [vault.downloadStream, vault.downloadFile])
    t.match(left(await call({ ...at, file, headers: { range: 'bytes=0-1' } })(client)()), {
      _tag: 'InvalidInput',
      field: 'headers.range'
    })
  t.match(left(await encrypted(null as never).downloadFile({ ...at, file })(client)()), { field: 'keys' })
  t.same(new Set(cos.operations().slice(before, before + 4)), new Set(['HeadObject']))
})

// -- resuming --
const part = 2 * segment
const large = bytesOf(10 * part + 13)
const storedPart = 2 * (segment + 16)

interface InterruptedDownload extends Cos {
  readonly dir: string
  readonly input: Parameters<typeof downloadFile>[0]
  readonly fetched: () => number
  readonly resume: () => void
}

/** A download that was aborted when the journal had four ranges. */
const interruptDownload = async (t: Test, by = vault): Promise<InterruptedDownload> => {
  const stall = createStallFault()
  const cos = await startCos(t, { fault: stall.fault })
  await put(cos.client(), large, by)
  const dir = t.testdir({ 'a.bin': 'old' })
  const input = { ...at, file: join(dir, 'a.bin'), threshold: 0, partSize: part, concurrency: 3 }
  stall.from = 4 * part
  const stop = new AbortController()
  const running = withSignal(stop.signal)(by.downloadFile(input))(cos.client())()
  await waitFor(async () => (await countRecordedRanges(dir)) >= 4)
  stop.abort()
  left(await running)
  let counted = cos.emulator.requests().length
  return {
    ...cos,
    dir,
    input,
    resume: () => {
      stall.from = Number.POSITIVE_INFINITY
    },
    fetched: () => {
      const gets = cos.emulator.requests().slice(counted)
      counted += gets.length
      return gets.reduce((sum, one) => sum + (one.operation === 'GetObject' ? one.bytesOut : 0), 0)
    }
  }
}

const temp = (dir: string, name: string): string => join(dir, 'a.bin.cospipe-download', name)

t.test(
  'a second run after an abort encrypts the ranges again and fetches only the missing ones',
  async (t) => {
    for (const by of [vault, loose]) {
      const here = await interruptDownload(t, by)
      t.equal(await readFile(here.input.file, 'utf8'), 'old', 'nothing is visible at the target')
      for (const name of ['part', 'journal']) t.equal((await stat(temp(here.dir, name))).mode & 0o777, 0o600)
      t.ok((await readFile(temp(here.dir, 'part'))).subarray(0, part).equals(large.subarray(0, part)))
      here.resume()
      const done = right(await by.downloadFile(here.input)(here.client())())
      const size = done.storedSize
      t.equal(done.resumed, 4 * storedPart + (by === vault ? 1024 : -4 * 32))
      t.equal(here.fetched(), size - done.resumed)
      t.equal(done.integrity._tag, 'Verified')
      t.ok((await readFile(here.input.file)).equals(large))
    }
  }
)

t.test('a damaged range of the partial file is fetched again', async (t) => {
  const here = await interruptDownload(t)
  const bytes = await readFile(temp(here.dir, 'part'))
  bytes[2 * part + 5] = bytes[2 * part + 5]! ^ 1
  await writeFile(temp(here.dir, 'part'), bytes)
  here.resume()
  t.equal(right(await vault.downloadFile(here.input)(here.client())()).resumed, 3 * storedPart + 1024)
  t.ok((await readFile(here.input.file)).equals(large))
})

t.test('the partial file of a plain download of the ciphertext is not taken for plaintext', async (t) => {
  const here = await interruptDownload(t, loose)
  here.resume()
  // The same target, ETag, size and part size: only the bytes differ.
  right(await downloadFile(here.input)(here.client())())
  t.ok((await readFile(here.input.file)).equals(await readStored(here.client())))
})

t.test('an object that was replaced is ObjectChanged, and its partial file is discarded', async (t) => {
  const here = await interruptDownload(t)
  await put(here.client(), large)
  here.resume()
  t.equal(right(await vault.downloadFile(here.input)(here.client())()).resumed, 0)
  t.ok((await readFile(here.input.file)).equals(large))
  const stall = createStallFault()
  let count = 0
  const cos = await startCos(t, {
    fault: (request) => {
      if (request.operation === 'GetObject' && (count += 1) === 3) void put(cos.client(), large)
      return stall.fault(request)
    }
  })
  await put(cos.client(), large)
  const file = join(t.testdir({}), 'b.bin')
  const change = { ...here.input, file, concurrency: 1 }
  const failed = await vault.downloadFile(change)(cos.client())()
  t.match(left(failed), { _tag: 'ObjectChanged' })
})
