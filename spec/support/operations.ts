/** The request of an operation, and the problem of an invalid input, in a form that specs can compare. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import type { InvalidInput } from '../../lib/core/error.js'
import * as In from '../../lib/core/input.js'
import type { Operation } from '../../lib/core/operation.js'
import type { Body } from '../../lib/core/body.js'
import type { Request } from '../../lib/core/request.js'
import { left, right } from './responses.js'

/** The object of the operations in specs. */
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

/** A request in a form that specs can compare: bytes as text, an absent key omitted. */
export const plainRequest = ({ key, body, ...request }: Request) => ({
  ...request,
  ...(O.isSome(key) ? { key: key.value } : {}),
  body: bodyOf(body)
})

export const requestOf = (operation: Operation<unknown>) => plainRequest(right(operation.request))

/** The default fields of a request, which specs override. */
export const emptyRequest = {
  ...at,
  query: {},
  headers: {},
  body: '',
  computeMd5: false,
  slow: false,
  expectContinue: false
}

/** The problem of an invalid input: `field: message`. */
export const problemOf = (operation: Operation<unknown>): string => {
  const { field, message }: InvalidInput = left(operation.request)
  return `${field}: ${message}`
}

/** Validates an input that has only these fields. */
export const validateFields = <A>(fields: In.FieldsOf<A>): ((u: unknown) => E.Either<string, A>) =>
  validateWith(In.struct<A>('the group', fields))

/** The decoded value, or its problem: `field: message`. */
export const validateWith =
  <A>(codec: t.Decoder<unknown, A>) =>
  (u: unknown): E.Either<string, A> => {
    const result = codec.decode(u)
    if (E.isRight(result)) return result
    const { field, message } = In.firstProblem(result.left)
    return E.left(`${field}: ${message}`)
  }

/** Removes undefined values: leaves the headers or parameters that are sent. */
export const withoutUndefined = (
  values: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
