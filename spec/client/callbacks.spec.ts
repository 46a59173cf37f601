/**
 * A function of the caller's that throws, wherever it is called, is a typed error or is ignored. tap fails a test whose
 * process has an uncaught exception or an unhandled rejection.
 */
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import * as io from 'io-ts'
import t from 'tap'
import { Agent } from 'undici'
import { withSignal } from '../../lib/client/combinators.js'
import { send, type CosEffect } from '../../lib/client/send.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { selectObjectContent } from '../../lib/operations/select-object-content.js'
import { createUploadStream } from '../../lib/transfers/upload/create-upload-stream.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { selectRows } from '../../lib/transfers/select/select-rows.js'
import { bucket, startCos } from '../support/cos.js'
import { left, right } from '../support/server.js'

const at = { bucket, key: 'a' }
const broken = new Error('broken by the caller')
const breaks = (): never => {
  throw broken
}
const rejects = (): Promise<never> => Promise.reject(broken)

const rejectsAsUnknown: () => unknown = rejects

/** Iterables of bytes, each broken at another step. */
const brokenSources = (): Readonly<Record<string, AsyncIterable<Uint8Array>>> => {
  const of = (iterator: Partial<AsyncIterator<Uint8Array>>): AsyncIterable<Uint8Array> => ({
    [Symbol.asyncIterator]: () => ({ next: breaks, ...iterator })
  })
  return {
    'asyncIterator throws': { [Symbol.asyncIterator]: breaks },
    'next throws': of({}),
    'next rejects': of({ next: rejects }),
    'next and return throw': of({ return: breaks }),
    'next rejects and return rejects': of({ next: rejects, return: rejects })
  }
}

t.test('a broken source is a SourceError of an operation, and is not retried', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  for (const [name, stream] of Object.entries(brokenSources())) {
    t.match(
      left(await send(putObject({ ...at, body: stream }))(client)()),
      { _tag: 'SourceError', cause: broken },
      name
    )
    const replayable = { open: () => stream, size: 3 }
    t.match(
      left(await send(putObject({ ...at, body: replayable }))(client)()),
      { _tag: 'SourceError', cause: broken, context: { attempts: 1 } },
      `${name}, replayable`
    )
  }
  t.match(left(await send(putObject({ ...at, body: { open: breaks, size: 3 } }))(client)()), {
    _tag: 'SourceError',
    cause: broken,
    context: { attempts: 1 }
  })
})

t.test('a broken source is a SourceError of an upload', async (t) => {
  const client = (await startCos(t)).client()
  for (const [name, source] of Object.entries(brokenSources())) {
    t.match(left(await uploadStream(at)(source)(client)()), { _tag: 'SourceError', cause: broken }, name)
  }
})

t.test('a return that throws does not hide the reason why a source is closed', async (t) => {
  const client = (await startCos(t)).client()
  for (const end of [breaks, rejects]) {
    const createStalled = (): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: end })
    })
    const effects: ReadonlyArray<CosEffect<unknown>> = [
      uploadStream(at)(createStalled()),
      send(putObject({ ...at, body: createStalled() }))
    ]
    for (const effect of effects) {
      const controller = new AbortController()
      const result = withSignal(controller.signal)(effect)(client)()
      await setTimeout(20)
      controller.abort()
      t.match(left(await result), { _tag: 'Aborted' })
    }
  }
  await setTimeout(20)
})

t.test('a function of the client that throws is a Left', async (t) => {
  const cos = await startCos(t, { fault: () => ({ response: { status: 503, code: 'ServiceUnavailable' } }) })
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  Object.assign(dispatcher, { dispatch: breaks })
  for (const [config, tag] of [
    [{ credentials: breaks }, 'CredentialsError'],
    [{ credentials: rejects }, 'CredentialsError'],
    [{ retry: { random: breaks } }, 'TransportError'],
    [{ dispatcher }, 'TransportError']
  ] as const) {
    t.match(left(await send(headObject(at))(cos.client(config))()), { _tag: tag })
  }
})

t.test('a codec that throws fails the rows, and not the process', async (t) => {
  const client = (await startCos(t)).client()
  right(await send(putObject({ ...at, body: '1\n' }))(client)())
  const input = { ...at, expression: 'SELECT * FROM COSObject', inputSerialization: { csv: {} } }
  const selected = right(
    await send(selectObjectContent({ ...input, outputSerialization: { json: {} } }))(client)()
  )
  const codec = new io.Type<string>('broken', io.string.is, breaks, String)
  await t.rejects(selectRows(codec)(selected).rows.next(), broken)
})

t.test(
  'after uploaded() a failed upload ends no process, though nothing listens to the stream',
  async (t) => {
    const cos = await startCos(t, { fault: () => ({ response: { status: 403, code: 'AccessDenied' } }) })
    const upload = Readable.from([Buffer.from('abc')]).pipe(createUploadStream(cos.client())(at))
    t.match(left(await upload.uploaded()), { _tag: 'ServiceError', status: 403 })
    await setTimeout(20)
    t.ok(upload.destroyed)
  }
)

t.test("functions of the emulator's caller that throw end no process", async (t) => {
  let isBroken = false
  const cos = await startCos(t, {
    onRequest: breaks,
    now: () => (isBroken ? breaks() : Date.now())
  })
  const client = cos.client({ retry: { attempts: 1 } })
  right(await send(putObject({ ...at, body: 'x' }))(client)())
  isBroken = true
  t.match(left(await send(headObject(at))(client)()), { _tag: 'TransportError' })
  isBroken = false

  const rejecting = await startCos(t, {
    onRequest: rejectsAsUnknown,
    fault: ({ key }) => (key === 'b' ? breaks() : undefined)
  })
  right(await send(putObject({ ...at, body: 'x' }))(rejecting.client())())
  t.match(left(await send(headObject({ ...at, key: 'b' }))(rejecting.client({ retry: { attempts: 1 } }))()), {
    status: 500
  })
  await cos.emulator.close()
  await rejecting.emulator.close()
})
