/** Sources in any state: the right bytes, or a typed error; never another object. */
import { createReadStream } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import t from 'tap'
import { script } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { createUploadStream } from '../../../lib/transfers/upload/create-upload-stream.js'
import { uploadStream } from '../../../lib/transfers/upload/upload-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'
import { becomesTrue } from '../../support/wait-for.js'

const at = { bucket, key: 'source.bin' }
const old = 'the old object'

const readStored = async (cos: Cos): Promise<Buffer> => {
  const { body } = right(await send(getObject(at))(cos.client())())
  return Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>)
}

async function* generate(chunks: ReadonlyArray<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    await Promise.resolve()
    yield chunk
  }
}

/** Every kind of source that can be read once, of the same bytes. */
const kinds: Readonly<
  Record<
    string,
    (chunks: ReadonlyArray<Uint8Array>) => AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>
  >
> = {
  generator: generate,
  'Node stream': (chunks) => Readable.from(chunks, { objectMode: false }),
  'Node stream that is not destroyed at its end': (chunks) => {
    const stream = new PassThrough({ autoDestroy: false })
    for (const chunk of chunks) stream.write(chunk)
    return stream.end()
  },
  'web stream': (chunks) =>
    new Blob(chunks.map((chunk) => new Uint8Array(chunk))).stream() as ReadableStream<Uint8Array>
}

const sourceOf = (kind: string, chunks: ReadonlyArray<Uint8Array>): AsyncIterable<Uint8Array> =>
  (kinds[kind] ?? generate)(chunks) as AsyncIterable<Uint8Array>

t.test('a second run of the effect is a SourceError, and the object stays', async (t) => {
  for (const kind of Object.keys(kinds)) {
    const cos = await startCos(t, {
      fault: script([
        { operation: 'PutObject', skip: 1, times: 1, fault: { response: { status: 503, code: 'SlowDown' } } }
      ])
    })
    const client = cos.client({ retry: { attempts: 1 } })
    right(await send(putObject({ ...at, body: old }))(client)())
    const upload = uploadStream(at)(sourceOf(kind, [bytesOf(10_000)]))(client)
    t.match(left(await upload()), { _tag: 'ServiceError', status: 503 }, kind)
    t.match(left(await upload()), { _tag: 'SourceError' }, kind)
    t.equal((await readStored(cos)).toString(), old, kind)
  }
})

t.test('a stream that fails before it is read is a SourceError, and does not end the process', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) => (operation === 'ListMultipartUploads' ? { delay: 50 } : undefined)
  })
  for (const input of [at, { ...at, resume: 'newest' as const }]) {
    const source = createReadStream('/nowhere')
    t.match(left(await uploadStream(input)(source)(cos.client())()), { _tag: 'SourceError' })
  }
})

t.test('the source is closed if the input is refused or a signal has fired', async (t) => {
  const cos = await startCos(t)
  for (const [tag, input, signal] of [
    ['InvalidInput', { ...at, key: '' }, new AbortController().signal],
    ['Aborted', at, AbortSignal.abort()]
  ] as const) {
    const source = createReadStream(import.meta.filename)
    t.match(left(await withSignal(signal)(uploadStream(input)(source))(cos.client())()), { _tag: tag })
    t.ok(await becomesTrue(() => source.destroyed), tag)
  }
})

t.test('createUploadStream refuses a piped stream that was read before', async (t) => {
  const cos = await startCos(t)
  right(await send(putObject({ ...at, body: old }))(cos.client())())
  const ended = Readable.from([bytesOf(10)])
  await ended.toArray()
  await t.rejects(pipeline(ended, createUploadStream(cos.client())(at)))
  const partly = Readable.from([bytesOf(10), bytesOf(10)])
  await partly.iterator({ destroyOnReturn: false }).next()
  await t.rejects(pipeline(partly, createUploadStream(cos.client())(at)))
  await setTimeout(20)
  t.equal((await readStored(cos)).toString(), old)
})

/** Brings a source into a state that an upload may find it in. */
const states: Readonly<Record<string, (source: AsyncIterable<Uint8Array>) => Promise<unknown>>> = {
  fresh: async () => undefined,
  'read once': async (source) => source[Symbol.asyncIterator]().next(),
  'read to the end': async (source) => {
    for await (const _ of source);
  },
  closed: async (source) => source[Symbol.asyncIterator]().return?.()
}

t.test('a source in any state yields its bytes or a SourceError, never another object', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(kinds)),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('uploaded', ...Object.keys(states)),
      async (kind, chunks, state) => {
        // JavaScript does not tell whether another reader has read a generator.
        fc.pre(kind !== 'generator' || state === 'fresh' || state === 'uploaded')
        right(await send(putObject({ ...at, body: old }))(client)())
        const source = sourceOf(kind, chunks)
        if (state === 'uploaded') right(await uploadStream({ ...at, key: 'other' })(source)(client)())
        else await states[state]?.(source)
        const result = await uploadStream(at)(source)(client)()
        const now = await readStored(cos)
        if (E.isRight(result)) return now.equals(Buffer.concat(chunks))
        return state !== 'fresh' && result.left._tag === 'SourceError' && now.toString() === old
      }
    )
  )
})
