import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { downloadStream } from '../../../lib/transfers/download/download-stream.js'
import { toBuffer, toText } from '../../../lib/transfers/download/to-buffer.js'
import { waitFor } from '../../support/wait-for.js'
import { at, bytes, createDownloadFixture, partSize } from '../../support/download-fixture.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

t.test('toBuffer reads the body of getObject and of downloadStream', async (t) => {
  const here = await createDownloadFixture(t)
  const whole = pipe(send(getObject(at)), RTE.chain(toBuffer(bytes.length)))
  t.ok(bytes.equals(right(await whole(here.client())())))
  const ranges = pipe(downloadStream({ ...at, partSize }), RTE.chain(toBuffer(bytes.length)))
  t.ok(bytes.equals(right(await ranges(here.client())())))
})

t.test('toText decodes UTF-8 and drops a byte order mark', async (t) => {
  for (const [bytes, text] of [
    ['', ''],
    ['ü長💾\n', 'ü長💾\n'],
    ['\ufeffa', 'a']
  ] as const) {
    const here = await createDownloadFixture(t, {}, Buffer.from(bytes))
    t.equal(right(await pipe(send(getObject(at)), RTE.chain(toText(100)))(here.client())()), text)
  }
})

t.test('toText fails with DecodeError if the body is not UTF-8', async (t) => {
  const here = await createDownloadFixture(t, {}, Buffer.from('abc\xff', 'latin1'))
  const error = left(await pipe(send(getObject(at)), RTE.chain(toText(100)))(here.client())())
  t.match(error, { _tag: 'DecodeError', problems: ['the body is not UTF-8'], requestId: /./ })
})

t.test('toBuffer and toText fail with SizeLimitExceeded and close the connection', async (t) => {
  const here = await createDownloadFixture(t)
  for (const reading of [
    pipe(send(getObject(at)), RTE.chain(toBuffer(10))),
    pipe(send(getObject(at)), RTE.chainW(toText(10)))
  ]) {
    t.match(left(await reading(here.client())()), {
      _tag: 'SizeLimitExceeded',
      limit: 10,
      context: { attempts: 1 }
    })
    await waitFor(() => here.emulator.openConnections() === 0)
  }
  const nearly = pipe(send(getObject(at)), RTE.chain(toBuffer(bytes.length - 1)))
  t.match(left(await nearly(here.client())()), { _tag: 'SizeLimitExceeded', limit: bytes.length - 1 })
})

t.test('toBuffer fails with IntegrityError if the CRC64 differs', async (t) => {
  const here = await createDownloadFixture(t, {
    fault: ({ operation }) => (operation === 'GetObject' ? { flip: 5 } : undefined)
  })
  const reading = pipe(send(getObject(at)), RTE.chain(toBuffer(bytes.length)))
  t.match(left(await reading(here.client())()), { _tag: 'IntegrityError' })
})

t.test('an abort settles toBuffer within 50 ms and closes the connection', async (t) => {
  const here = await createDownloadFixture(t, {
    fault: ({ operation }) =>
      operation === 'GetObject' ? { stall: { after: 1000, pause: 60_000 } } : undefined
  })
  const controller = new AbortController()
  let isReading = false
  const running = pipe(
    send(getObject(at)),
    RTE.chain((got) => {
      isReading = true
      return withSignal(controller.signal)(toBuffer(bytes.length)(got))
    })
  )(here.client())()
  await waitFor(() => isReading)
  await setTimeout(20)
  controller.abort()
  t.ok(await settlesWithin(50, running))
  t.match(left(await running), { _tag: 'Aborted' })
  await waitFor(() => here.emulator.openConnections() === 0)
})
