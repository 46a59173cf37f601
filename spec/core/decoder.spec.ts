import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { pipe } from 'fp-ts/lib/function.js'
import t from 'tap'
import * as D from '../../lib/core/decoder.js'
import { decodeResponse, left, right, serveResponse, specContext } from '../support/responses.js'

const mebi = 1024 * 1024

/** A decoder of only the status and the headers. */
const head: D.Decoder<number> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => response.status)
  )

// -- bodies --
t.test('readBytes reads a body up to its limit, and closes the connection of a longer one', async (t) => {
  t.same(
    right(await decodeResponse(t, D.readBytes(10), { chunks: ['hello', 5, ' you'] })),
    Buffer.from('hello you')
  )
  t.same(
    right(await decodeResponse(t, D.readBytes(9), { chunks: ['hello', 5, ' you'] })),
    Buffer.from('hello you')
  )
  t.same(
    right(await decodeResponse(t, D.readBytes(4), { chunks: ['hello', 5, ' you'] })),
    Buffer.from('hell')
  )

  const { response, closed } = await serveResponse(t, { chunks: ['hello'], ends: 'open' })
  t.same(right(await D.readBytes(4)(response)()), Buffer.from('hell'))
  t.equal(await closed, 'early')
})

t.test('drain reads a short body to its end, and closes the connection of a long one', async (t) => {
  const short = await serveResponse(t, { chunks: ['x'.repeat(1000)] })
  t.same(await D.drain(short.response)(), E.right(undefined))
  t.equal(await short.closed, 'whole')

  const long = await serveResponse(t, { chunks: Array<string>(160).fill('x'.repeat(64 * 1024)) })
  t.same(await D.drain(long.response)(), E.right(undefined))
  t.equal(await long.closed, 'early')
  t.ok(long.written() < 10 * mebi, `${long.written()} bytes of 10 MiB left the server`)
})

t.test('a body that breaks off fails with a TransportError that has the cause', async (t) => {
  for (const decode of [D.readBytes(100), D.drain]) {
    const error = left(await decodeResponse<unknown>(t, decode, { chunks: ['half'], ends: 'cut' }))
    t.match(error, { _tag: 'TransportError', context: specContext })
  }
})

t.test('map and chainEither change a decoded value, or reject it', async (t) => {
  const status = pipe(
    head,
    D.map((n) => n + 1)
  )
  t.same(await decodeResponse(t, status, {}), E.right(201))
  const doubted = pipe(
    head,
    D.chainEither((n, response) => E.left(D.decodeError(response, [`${n} is odd`])))
  )
  t.match(left(await decodeResponse(t, doubted, {})), { _tag: 'DecodeError', problems: ['200 is odd'] })
})

t.test('the checksum of the sent body is available to a decoder', async (t) => {
  const requested = { sent: { size: 3, crc64: O.some(7n) } }
  const decode: D.Decoder<bigint> = pipe(
    head,
    D.chainEither((_, { sent }) =>
      pipe(
        sent.crc64,
        E.fromOption(() => {
          throw new Error('none')
        })
      )
    )
  )
  t.same(await decodeResponse(t, decode, {}, requested), E.right(7n))
})
