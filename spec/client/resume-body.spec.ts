import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import fc from 'fast-check'
import t from 'tap'
import { withTimeout } from '../../lib/client/combinators.js'
import { send } from '../../lib/client/send.js'
import { CosException, type CosError } from '../../lib/core/error.js'
import * as Op from '../../lib/core/operation.js'
import type { Fault, FaultInput } from '../../lib/emulator/index.js'
import { getObject, type GetObjectInput } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { bytesOf } from '../support/bytes.js'
import { bucket, startCos } from '../support/cos.js'
import { isLongForm } from '../support/long-form.js'
import { left, right } from '../support/server.js'

const bytes = bytesOf(300_000)
const at = { bucket, key: 'a.bin' }

/** Breaks the responses of GETs, each as the next fault says; later ones are whole. */
const startBreaking = async (
  t: Parameters<typeof startCos>[0],
  faults: ReadonlyArray<Fault>,
  config: Parameters<Awaited<ReturnType<typeof startCos>>['client']>[0] = {}
) => {
  const breakGet = ({ operation, count }: FaultInput): Fault | undefined =>
    operation === 'GetObject' ? faults[count - 1] : undefined
  const cos = await startCos(t, { fault: breakGet })
  const client = cos.client(config)
  right(await send(putObject({ ...at, body: bytes }))(client)())
  const ranges = () =>
    cos.emulator
      .requests()
      .flatMap(({ operation, headers }) => (operation === 'GetObject' ? [headers['range'] ?? 'whole'] : []))
  return { client, ranges }
}

type BreakingCos = Awaited<ReturnType<typeof startBreaking>>

const readBody = async (body: Readable): Promise<E.Either<CosError, Buffer>> => {
  try {
    return E.right(Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>))
  } catch (thrown) {
    if (thrown instanceof CosException) return E.left(thrown.error)
    throw thrown
  }
}

const read = async ({ client }: BreakingCos, input: Partial<GetObjectInput> = {}) => {
  const { body, verified } = right(await send(getObject({ ...at, ...input }))(client)())
  const read = await readBody(body)
  return { read, verified: await verified() }
}

const cutAt = (after: number, reset = false): Fault => ({ cut: { at: 'body', after }, reset })

t.test('a body that breaks off is requested again from its next byte, and verified as a whole', async (t) => {
  const cos = await startBreaking(t, [cutAt(100_000), cutAt(70_000, true)])
  const { read: got, verified } = await read(cos)
  t.ok(right(got).equals(bytes))
  t.match(verified, E.right({ _tag: 'Verified' }))
  t.same(cos.ranges().slice(0, 2), ['whole', 'bytes=100000-299999'])
  // A reset may lose bytes that were sent before it.
  t.match(cos.ranges()[2], /^bytes=1\d{5}-299999$/)
})

t.test('a range continues within itself', async (t) => {
  const cos = await startBreaking(t, [cutAt(1000)])
  const { read: got } = await read(cos, { range: { first: 10_000, last: 19_999 } })
  t.ok(right(got).equals(bytes.subarray(10_000, 20_000)))
  t.same(cos.ranges(), ['bytes=10000-19999', 'bytes=11000-19999'])
})

t.test('a body that stalls continues after the idle timeout', async (t) => {
  const cos = await startBreaking(t, [{ stall: { after: 50_000, pause: 60_000 } }], {
    timeouts: { idle: 200 }
  })
  t.ok(right((await read(cos)).read).equals(bytes))
  t.equal(cos.ranges().length, 2)
})

t.test('a body that is read late, or in pauses, continues too', async (t) => {
  const cos = await startBreaking(t, [cutAt(20_000), cutAt(150_000)])
  const { body } = right(await send(getObject(at))(cos.client)())
  await new Promise((resolve) => setTimeout(resolve, 50))
  const chunks: Array<Buffer> = []
  for await (const chunk of body) {
    chunks.push(chunk as Buffer)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  t.ok(Buffer.concat(chunks).equals(bytes))
})

t.test('a replaced object is ObjectChanged, and a damaged one an IntegrityError', async (t) => {
  const cos = await startBreaking(t, [cutAt(100_000)])
  const { body } = right(await send(getObject(at))(cos.client)())
  right(await send(putObject({ ...at, body: 'other' }))(cos.client)())
  t.match(left(await readBody(body)), { _tag: 'ObjectChanged' })

  const damaged = await startBreaking(t, [cutAt(100_000), { flip: 5 }])
  t.match(left((await read(damaged)).read), { _tag: 'IntegrityError', check: 'crc64' })
})

t.test('the attempts of the policy are the limit if no bytes arrive', async (t) => {
  const cos = await startBreaking(
    t,
    Array.from({ length: 20 }, () => cutAt(10)),
    {
      retry: { attempts: 3, base: 1 }
    }
  )
  t.match(left((await read(cos)).read), { _tag: 'TransportError' })
  t.equal(cos.ranges().length, 4)
})

t.test(
  'resume: false, another encoding and a range in own headers end the body with the error',
  async (t) => {
    for (const input of [
      { resume: false },
      { acceptEncoding: 'gzip' },
      { headers: { Range: 'bytes=0-99999' } }
    ]) {
      const cos = await startBreaking(t, [cutAt(1000)])
      t.match(left((await read(cos, input)).read), { _tag: 'TransportError' })
      t.equal(cos.ranges().length, 1)
    }
  }
)

t.test('a deadline of withTimeout holds for the rest, and a mapped operation continues too', async (t) => {
  const cos = await startBreaking(t, [cutAt(100_000), { delay: 60_000 }])
  const late = withTimeout(500)(send(getObject(at)))
  t.match(left(await readBody(right(await late(cos.client)()).body)), { _tag: 'Timeout', phase: 'overall' })

  const mapped = await startBreaking(t, [cutAt(100_000)])
  const body = right(
    await send(Op.map(({ body }: { body: Readable }) => body)(getObject(at)))(mapped.client)()
  )
  t.ok(right(await readBody(body)).equals(bytes))
})

t.test('destroying the body while its rest is requested ends the request', async (t) => {
  const cos = await startBreaking(t, [cutAt(100_000), { delay: 60_000 }])
  const { body, verified } = right(await send(getObject(at))(cos.client)())
  for await (const chunk of body) if ((chunk as Buffer).length === 0 || body.readableLength === 0) break
  body.destroy()
  t.match(await verified(), E.right({ _tag: 'Unverifiable', reason: 'Unread' }))
})

t.test('any sequence of breaks yields the exact bytes or a typed error', async (t) => {
  const fault = fc.oneof(
    fc.record({ at: fc.constant('body' as const), after: fc.nat(310_000) }).map((cut): Fault => ({ cut })),
    fc.nat(310_000).map((after): Fault => cutAt(after, true)),
    fc.nat(310_000).map((flip): Fault => ({ flip })),
    fc.nat(310_000).map((shorten): Fault => ({ shorten })),
    fc.constant<Fault>({ ignoreRange: true }),
    fc.constant<Fault>({ response: { status: 503, code: 'SlowDown' } }),
    fc.constant<Fault>({})
  )
  let faults: ReadonlyArray<Fault> = []
  let seen = 0
  const cos = await startCos(t, {
    fault: ({ operation }) => (operation === 'GetObject' ? faults[(seen += 1) - 1] : undefined)
  })
  const client = cos.client({ retry: { base: 0 } })
  right(await send(putObject({ ...at, body: bytes }))(client)())
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 6 }), async (script) => {
      faults = script
      seen = 0
      const result = await send(getObject(at))(client)()
      if (E.isLeft(result)) return O.isSome(result.left.context.key)
      const got = await readBody(result.right.body)
      return E.isLeft(got)
        ? ['TransportError', 'IntegrityError', 'ServiceError', 'DecodeError'].includes(got.left._tag)
        : got.right.equals(bytes)
    }),
    { numRuns: isLongForm ? 1000 : 50 }
  )
  t.pass()
})
