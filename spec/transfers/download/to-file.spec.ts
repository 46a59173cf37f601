import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { getObject, type GetObjectResult } from '../../../lib/operations/get-object.js'
import { downloadStream } from '../../../lib/transfers/download/download-stream.js'
import { toFile } from '../../../lib/transfers/download/to-file.js'
import { waitFor } from '../../support/wait-for.js'
import {
  at,
  bytes,
  createDownloadFixture,
  assertDownloaded,
  assertUntouched,
  partSize
} from '../../support/download-fixture.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

t.test('toFile saves a response and keeps its metadata in the result', async (t) => {
  const here = await createDownloadFixture(t)
  for (const durable of [true, false]) {
    const saved = right(
      await pipe(send(getObject(at)), RTE.chain(toFile(here.input.file, { durable })))(here.client())()
    )
    t.match(saved, {
      file: here.input.file,
      written: bytes.length,
      integrity: { _tag: 'Verified' },
      size: O.some(bytes.length)
    })
    t.notOk('body' in saved)
    await assertDownloaded(t, here)
  }
})

t.test('toFile saves one range of getObject, and the whole of downloadStream', async (t) => {
  const here = await createDownloadFixture(t)
  const range = { first: 10, last: 99 }
  const part = right(
    await pipe(send(getObject({ ...at, range })), RTE.chain(toFile(here.input.file)))(here.client())()
  )
  t.match(part, { written: 90, integrity: { _tag: 'Unverifiable', reason: 'Range' } })
  await assertDownloaded(t, here, bytes.subarray(10, 100))
  const all = downloadStream({ ...at, partSize })
  t.match(right(await pipe(all, RTE.chain(toFile(here.input.file)))(here.client())()), {
    written: bytes.length,
    integrity: { _tag: 'Verified' }
  })
  await assertDownloaded(t, here)
})

t.test('toFile does not change the old file if the body differs or breaks off', async (t) => {
  for (const [fault, error] of [
    [{ flip: 5 }, { _tag: 'IntegrityError', check: 'crc64' }],
    // Each request delivers fewer bytes than count as progress: the download fails after the attempts of the policy.
    [{ cut: { at: 'body', after: 1000 } }, { _tag: 'TransportError' }]
  ] as const) {
    const here = await createDownloadFixture(t, {
      fault: ({ operation }) => (operation === 'GetObject' ? fault : undefined)
    })
    const saving = pipe(send(getObject(at)), RTE.chain(toFile(here.input.file)))
    t.match(left(await saving(here.client({ retry: { attempts: 2, base: 1 } }))()), error)
    await assertUntouched(t, here)
  }
})

t.test('toFile fails with FileError and closes the connection if it cannot write', async (t) => {
  const here = await createDownloadFixture(t)
  await mkdir(join(here.dir, 'sub'))
  for (const [path, error] of [
    [
      'sub',
      { _tag: 'FileError', code: 'EISDIR', context: { ...at, operation: 'toFile', key: O.some(at.key) } }
    ],
    ['missing/a', { _tag: 'FileError', code: 'ENOENT' }],
    ['a\0', { _tag: 'InvalidInput', field: 'file' }]
  ] as const) {
    const saving = pipe(send(getObject(at)), RTE.chain(toFile(join(here.dir, path))))
    t.match(left(await saving(here.client())()), error)
    await waitFor(() => here.emulator.openConnections() === 0)
  }
  await assertUntouched(t, here, 'sub')
})

t.test('an abort of request or writing settles within 50 ms and closes the connection', async (t) => {
  const here = await createDownloadFixture(t, {
    fault: ({ operation }) =>
      operation === 'GetObject' ? { stall: { after: 1000, pause: 60_000 } } : undefined
  })
  for (const whole of [true, false]) {
    const controller = new AbortController()
    const abortable = withSignal(controller.signal)
    let isWriting = false
    const writeBody = (got: GetObjectResult) => {
      isWriting = true
      return toFile(here.input.file)(got)
    }
    const saving = whole
      ? abortable(pipe(send(getObject(at)), RTE.chain(writeBody)))
      : pipe(
          send(getObject(at)),
          RTE.chain((got) => abortable(writeBody(got)))
        )
    const running = saving(here.client())()
    await waitFor(() => isWriting)
    await setTimeout(20)
    controller.abort()
    t.ok(await settlesWithin(50, running))
    t.match(left(await running), { _tag: 'Aborted' })
    await waitFor(() => here.emulator.openConnections() === 0)
    await assertUntouched(t, here)
  }
})

t.test('a signal that has already fired closes the connection', async (t) => {
  const here = await createDownloadFixture(t)
  const saving = pipe(
    send(getObject(at)),
    RTE.chain((got) => withSignal(AbortSignal.abort())(toFile(here.input.file)(got)))
  )
  t.match(left(await saving(here.client())()), { _tag: 'Aborted' })
  await waitFor(() => here.emulator.openConnections() === 0)
  await assertUntouched(t, here)
})

t.test('after parallel toFile calls the file has one of the bodies, complete', async (t) => {
  const here = await createDownloadFixture(t)
  const saved = await Promise.all(
    Array.from({ length: 8 }, (_, n) => {
      const range = { first: n, last: n + 99_999 }
      return pipe(send(getObject({ ...at, range })), RTE.chain(toFile(here.input.file)))(here.client())()
    })
  )
  t.ok(saved.every((one) => right(one).written === 100_000))
  const there = await readFile(here.input.file)
  t.ok(saved.some((_, n) => there.equals(bytes.subarray(n, n + 100_000))))
  t.same(await readdir(here.dir), ['a.bin'])
})
