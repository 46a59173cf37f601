import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import * as D from '../../lib/core/decoder.js'
import * as In from '../../lib/core/input.js'
import * as Op from '../../lib/core/operation.js'
import * as R from '../../lib/core/request.js'
import { decodeResponse, left, right } from '../support/responses.js'

interface SampleInput extends R.ObjectRef {
  readonly part?: number
  readonly secret?: string
}

const Input = In.struct<SampleInput>('SampleInput', {
  ...R.objectRef,
  part: In.optional(In.integer(1, 9)),
  secret: In.optional(In.refined(In.text, 'a secret of 9 characters', (text) => text.length === 9))
})

const request = (input: SampleInput) => pipe(R.get(input), R.withQuery({ part: input.part }))
const status: D.Decoder<number> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => response.status)
  )

const sample = Op.operation('Sample', Input, request, status)
const dependent = Op.operationWith('Dependent', Input, request, (input) => D.map(() => input.key)(status))
const ref = { bucket: 'examplebucket-1250000000', key: 'a.txt' }

t.test('an operation is a value with a request and a decoder', async (t) => {
  const op = sample({ ...ref, key: '/a.txt', part: 3 })
  t.equal(op.action, 'Sample')
  t.match(right(op.request), { method: 'GET', key: O.some('a.txt'), query: { part: '3' }, headers: {} })
  t.same(await decodeResponse(t, op.decode, { status: 206 }), E.right(206))
})

t.test('an invalid input is a Left that names the field, and its decoder reads no response', async (t) => {
  const wrong: ReadonlyArray<readonly [input: unknown, field: string, key: O.Option<string>]> = [
    [{ ...ref, part: 10 }, 'part', O.some('a.txt')],
    [{ ...ref, key: '' }, 'key', O.none],
    [{ ...ref, bucket: 'x' }, 'bucket', O.some('a.txt')],
    [{ ...ref, prat: 1 }, 'prat', O.some('a.txt')],
    [undefined, '', O.none],
    ['text', '', O.none]
  ]
  for (const [input, field, key] of wrong) {
    const op = sample(input as SampleInput)
    const error = left(op.request)
    t.match(error, { _tag: 'InvalidInput', field, context: { operation: 'Sample', key, attempts: 0 } })
    t.equal(left(await decodeResponse(t, op.decode, {})), error)
  }
})

t.test('the error of a field named secret does not contain its value', async (t) => {
  const error = left(sample({ ...ref, secret: 'hunter2' }).request)
  t.equal(error.field, 'secret')
  for (const shown of [inspect(error, { depth: 9 }), JSON.stringify(error)]) t.notMatch(shown, /hunter2/)
})

t.test('contextOf calls no getter of the input', async (t) => {
  const trap = {
    get bucket(): string {
      throw new Error('trap')
    }
  }
  t.same(Op.contextOf('Sample', trap), { operation: 'Sample', bucket: '', key: O.none, attempts: 0 })
})

t.test(
  'a key that normalizes to an empty path is an InvalidInput unless allowPathLikeKey is true',
  async (t) => {
    for (const key of ['a/..', './', '//', '../..']) {
      t.match(
        left(sample({ ...ref, key }).request),
        {
          _tag: 'InvalidInput',
          field: 'key',
          problem: 'conflict',
          message: /normalizes to an empty path.*allowPathLikeKey/
        },
        key
      )
      t.match(right(sample({ ...ref, key, allowPathLikeKey: true }).request), { method: 'GET' }, key)
    }
    t.match(left(sample({ ...ref, key: '..', allowPathLikeKey: true }).request), { field: 'key' })
    t.match(left(sample({ ...ref, key: '', allowPathLikeKey: true }).request), { field: 'key' })
  }
)

t.test('the caller’s extra headers and parameters are in the request', async (t) => {
  const op = sample({ ...ref, part: 1, headers: { 'X-A': '1' }, query: { acl: '' } })
  t.match(right(op.request), { headers: { 'x-a': '1' }, query: { part: '1', acl: '' } })
})

t.test('the decoder may depend on the input', async (t) => {
  t.same(await decodeResponse(t, dependent({ ...ref, key: 'b' }).decode, {}), E.right('b'))
})

t.test('an error response never reaches the decoder', async (t) => {
  t.match(left(await decodeResponse(t, sample(ref).decode, { status: 404 })), {
    _tag: 'ServiceError',
    status: 404
  })
})

t.test('map changes the result of an operation before it is sent', async (t) => {
  const op = pipe(
    sample(ref),
    Op.map((n) => `status ${n}`)
  )
  t.equal(op.action, 'Sample')
  t.same(await decodeResponse(t, op.decode, {}), E.right('status 200'))
})

t.test(
  'recoverLostResponse turns the refusal of a retry into a success, and not that of a first attempt',
  async (t) => {
    const sample = Op.operation('Sample', Input, request, status)({ bucket: 'a-1', key: 'a' })
    const { decode } = pipe(
      sample,
      Op.recoverLostResponse(['Gone'], ({ status }) => status)
    )
    const refuseWith = (code: string, retried: boolean) =>
      decodeResponse(t, decode, { status: 404, chunks: [`<Error><Code>${code}</Code></Error>`] }, { retried })
    t.same(await refuseWith('Gone', true), E.right(404))
    t.match(left(await refuseWith('Gone', false)), { _tag: 'ServiceError', code: 'Gone' })
    t.match(left(await refuseWith('Other', true)), { _tag: 'ServiceError', code: 'Other' })
    t.same(await decodeResponse(t, decode, { status: 204 }), E.right(204))
  }
)
