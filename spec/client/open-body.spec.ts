import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, truncate, utimes, writeFile } from 'node:fs/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { openBody } from '../../lib/client/open-body.js'
import { send } from '../../lib/client/send.js'
import { getObject } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { toText } from '../../lib/transfers/download/to-buffer.js'
import { bucket, startCos } from '../support/cos.js'
import { settlesWithin } from '../support/settles-within.js'
import { left, right } from '../support/server.js'
import { waitFor } from '../support/wait-for.js'

const KiB = 1024
const at = { bucket, key: 'file.bin' }
const context = contextWithoutObject('Spec')

t.test('a file that changes while it is sent is a SourceError, and the old object stays', async (t) => {
  const cos = await startCos(t)
  const client = cos.client({ bandwidth: { up: 4096 * KiB } })
  const file = `${t.testdir()}/a`
  const changes: Readonly<Record<string, () => Promise<void>>> = {
    rewritten: () => writeFile(file, Buffer.alloc(1024 * KiB, 'b')),
    appended: () => appendFile(file, 'more'),
    truncated: () => truncate(file, 1),
    'rewritten with its old time': async () => {
      await writeFile(file, Buffer.alloc(1024 * KiB, 'b'))
      await utimes(file, 1, 1)
    }
  }
  for (const [name, change] of Object.entries(changes)) {
    right(await send(putObject({ ...at, body: 'old' }))(client)())
    await writeFile(file, Buffer.alloc(1024 * KiB, 'a'))
    await utimes(file, 1, 1)
    let isStarted = false
    const watched = {
      ...client,
      rateLimiters: {
        ...client.rateLimiters,
        up: {
          ...client.rateLimiters.up,
          limit: (bytes: number) => {
            isStarted = true
            return client.rateLimiters.up.limit(bytes)
          }
        }
      }
    }
    const put = send(putObject({ ...at, body: { file } }))(watched)()
    await waitFor(() => isStarted)
    await change()
    t.match(left(await put), { _tag: 'SourceError' }, name)
    const object = right(await send(getObject(at))(client)())
    t.equal(right(await toText(100)(object)(client)()), 'old', name)
  }
})

t.test('a file whose size is not the number of its bytes is a FileError', async (t) => {
  if (!existsSync('/proc/version')) return
  const { client } = await startCos(t)
  t.match(left(await send(putObject({ ...at, body: { file: '/proc/version' } }))(client())()), {
    _tag: 'FileError',
    path: '/proc/version',
    code: 'ESIZE'
  })
})

t.test('a FIFO and a device are a FileError at once', async (t) => {
  if (process.platform === 'win32') return
  const fifo = `${t.testdir()}/fifo`
  execFileSync('mkfifo', [fifo])
  for (const path of [fifo, '/dev/zero']) {
    const opened = openBody(context, { _tag: 'File', path, start: 0, size: O.none })()
    t.ok(await settlesWithin(1000, opened))
    t.match(left(await opened), { _tag: 'FileError', code: 'ENOTFILE' })
  }
})

t.test('an empty file is an empty object, and a part of a file is that part', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const dir = t.testdir({ empty: '', digits: '0123456789' })
  const { sentCrc64 } = right(await send(putObject({ ...at, body: { file: `${dir}/empty` } }))(client)())
  t.equal(sentCrc64, 0n)
  const body = { _tag: 'File', path: `${dir}/digits`, start: 3, size: O.some(4) } as const
  const opened = right(await openBody(context, body)())
  const chunks: Array<Uint8Array> = []
  for await (const chunk of opened.open()) chunks.push(chunk)
  t.same([Buffer.concat(chunks).toString(), opened.size], ['3456', O.some(4)])
})
