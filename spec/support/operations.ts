/** What an operation would send, and what it finds wrong, as a spec can compare them. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import type { InvalidInput } from '../../lib/core/error.js'
import * as In from '../../lib/core/input.js'
import type { Operation } from '../../lib/core/operation.js'
import type { Body, Request } from '../../lib/core/request.js'
import { left, right } from './responses.js'

/** The object that every spec's operation is about. */
export const at = { bucket: 'examplebucket-1250000000', key: 'dir/a.txt' }

const bodyOf = (body: Body): unknown => {
  switch (body._tag) {
    case 'Empty':
      return ''
    case 'Bytes':
      return Buffer.concat(body.chunks).toString()
    default:
      return body
  }
}

/** A request laid open: bytes as text, an absent key left out. */
export const plainRequest = ({ key, body, ...request }: Request) => ({
  ...request,
  ...(O.isSome(key) ? { key: key.value } : {}),
  body: bodyOf(body)
})

export const requestOf = (operation: Operation<unknown>) => plainRequest(right(operation.request))

/** What a request is besides its headers, its query and its body, unless a spec says otherwise. */
export const emptyRequest = {
  ...at,
  query: {},
  headers: {},
  body: '',
  computeMd5: false,
  slow: false,
  expectContinue: false
}

/** What an operation says of an input that makes no sense: `field: message`. */
export const problemOf = (operation: Operation<unknown>): string => {
  const { field, message }: InvalidInput = left(operation.request)
  return `${field}: ${message.replace(/^must be /, '')}`
}

/** A group of parameters on its own: judges an input of nothing else. */
export const validateFields = <A>(fields: In.FieldsOf<A>): ((u: unknown) => E.Either<string, A>) =>
  validateWith(In.struct<A>('the group', fields))

/** What a codec says of a value: the value as the codec has it, or `field: message`. */
export const validateWith =
  <A>(codec: t.Decoder<unknown, A>) =>
  (u: unknown): E.Either<string, A> => {
    const result = codec.decode(u)
    if (E.isRight(result)) return result
    const { field, message } = In.firstProblem(result.left)
    return E.left(`${field}: ${message.replace(/^must be /, '')}`)
  }

/** Without what is `undefined`: the headers or parameters that would be sent. */
export const withoutUndefined = (
  values: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
