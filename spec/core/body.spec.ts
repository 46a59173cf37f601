import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import * as B from '../../lib/core/body.js'
import { from } from '../support/iterables.js'

t.test('toBody makes the body of each kind of input', async (t) => {
  t.match(B.toBody('腾'), { _tag: 'Bytes', size: 3 })
  t.same(B.toBody(''), B.emptyBody)
  t.same(B.toBody(new Uint8Array()), B.emptyBody)
  t.match(B.toBody(Buffer.from('abc')), { _tag: 'Bytes', size: 3, crc64: O.none })
  t.match(B.toBody({ file: '/a' }), { _tag: 'File', path: '/a', start: 0, size: O.none })
  const open = () => from(Buffer.from('x'))
  t.match(B.toBody({ open, size: 1 }), { _tag: 'Replayable', open, size: 1 })
  t.match(B.toBody(Readable.from(['x'])), { _tag: 'Once', size: O.none })
  t.match(B.toBody(Readable.from(['x']), 7), { _tag: 'Once', size: O.some(7) })
  // It has an `open` method, and is a stream all the same.
  const file = createReadStream(import.meta.filename)
  t.match(B.toBody(file), { _tag: 'Once' })
  file.destroy()
})

t.test('a body has its size if it is known, and whether it can be sent again', async (t) => {
  const known: ReadonlyArray<readonly [body: B.Body, size: O.Option<number>, replayable: boolean]> = [
    [B.emptyBody, O.some(0), true],
    [B.toBody('abc'), O.some(3), true],
    [B.toBody({ file: '/a' }), O.none, true],
    [B.toBody({ open: () => from(), size: 9 }), O.some(9), true],
    [B.toBody(from()), O.none, false],
    [B.toBody(from(), 2), O.some(2), false]
  ]
  for (const [body, size, replayable] of known) {
    t.same(B.sizeOf(body), size, body._tag)
    t.equal(B.isReplayableBody(body), replayable, body._tag)
  }
})

t.test('BodyInput rejects any other value', async (t) => {
  const none = [
    undefined,
    null,
    7,
    {},
    [1],
    { file: '' },
    { file: 'a\0b' },
    { file: 7 },
    { open: 'x', size: 1 },
    { open: from, size: -1 }
  ]
  for (const u of none) t.equal(E.isLeft(B.BodyInput.decode(u)), true, inspect(u))
  for (const u of ['', new Uint8Array(), { file: 'a' }, { open: from, size: 0 }, from(), Readable.from([])]) {
    t.equal(E.isRight(B.BodyInput.decode(u)), true)
  }
})
