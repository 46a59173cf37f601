/** Codecs of inputs that have more than one shape, or whose fields must agree with each other. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import type { InputProblem } from '../../core/error.js'
import { conflict, failWith } from '../../core/problem.js'

const isObject = (u: unknown): u is object => typeof u === 'object' && u !== null
const isRecord = (u: unknown): u is Readonly<Record<string, unknown>> => isObject(u) && !Array.isArray(u)

/**
 * One of several codecs, chosen by the value. A union tries all members and reports the problem of the first; this codec
 * reports the problem of the member that was meant.
 *
 * @shape `choose` returns none if no member can be meant; the value then `must be` what is `expected`
 */
export const choose = <A>(
  expected: string,
  choose: (u: Readonly<Record<string, unknown>>) => O.Option<t.Decoder<unknown, A>>
): t.Type<A, A, unknown> => {
  const type: t.Type<A, A, unknown> = new t.Type<A, A, unknown>(
    expected,
    (u): u is A => E.isRight(type.decode(u)),
    (u, context) => {
      const codec = isRecord(u) ? choose(u) : O.none
      return O.isSome(codec) ? codec.value.validate(u, context) : t.failure(u, context, expected)
    },
    t.identity
  )
  return type
}

const conflictOf = (given: string, other: string): t.Decoder<unknown, never> => ({
  name: given,
  validate: (u, context) => {
    const { field, ...finding } = conflict(other, `must not be given with ${given}`)
    return failWith(u, t.appendContext(context, field, t.unknown), finding)
  },
  decode: (u) => conflictOf(given, other).validate(u, [])
})

/** The member whose field is given; fields of two members conflict. */
export const firstOf =
  <A>(members: Readonly<Record<string, t.Decoder<unknown, A>>>) =>
  (u: Readonly<Record<string, unknown>>): O.Option<t.Decoder<unknown, A>> => {
    const [first, ...others] = Object.entries(members).filter(([name]) => u[name] !== undefined)
    if (first === undefined) return O.none
    const other = others.find(([, codec]) => codec !== first[1])
    return O.some(other === undefined ? first[1] : conflictOf(first[0], other[0]))
  }

/** The member that a field of the value names. */
export const byTag =
  <A>(field: string, members: Readonly<Record<string, A>>) =>
  (u: Readonly<Record<string, unknown>>): O.Option<A> => {
    const name = u[field]
    return typeof name === 'string' && Object.hasOwn(members, name) ? O.fromNullable(members[name]) : O.none
  }

/** A string is for the first codec, any other value for the second. */
export const textOr = <A>(
  text: t.Type<string, string, unknown>,
  other: t.Type<A, A, unknown>
): t.Type<A | string, A | string, unknown> =>
  new t.Type<A | string, A | string, unknown>(
    `${other.name}, or ${text.name}`,
    (u): u is A | string => text.is(u) || other.is(u),
    (u, context): t.Validation<A | string> => {
      if (typeof u === 'string') return text.validate(u, context)
      return isObject(u) ? other.validate(u, context) : t.failure(u, context)
    },
    t.identity
  )

/** Adds a check of fields that are valid on their own and may contradict each other. */
export const crossChecked = <A>(
  codec: t.Type<A, A, unknown>,
  check: (value: A) => O.Option<InputProblem>
): t.Type<A, A, unknown> =>
  new t.Type<A, A, unknown>(
    codec.name,
    (u): u is A => codec.is(u) && O.isNone(check(u)),
    (u, context) => {
      const result = codec.validate(u, context)
      if (E.isLeft(result)) return result
      const found = check(result.right)
      if (O.isNone(found)) return result
      const { field, ...finding } = found.value
      return failWith(u, t.appendContext(context, field, t.unknown), finding)
    },
    t.identity
  )
