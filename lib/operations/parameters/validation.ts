/** Judging inputs that have more than one shape, or whose fields must agree with one another. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'

const isObject = (u: unknown): u is object => typeof u === 'object' && u !== null
const isRecord = (u: unknown): u is Readonly<Record<string, unknown>> => isObject(u) && !Array.isArray(u)

/**
 * One codec of several, chosen by a look at the value. A union tries all its members and complains in the words of the
 * first; this one complains in the words of the member that was meant.
 *
 * @shape `choose` gives none where no member could have been meant; then `expected` is what the caller reads
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

/** The first of the names that the value has a field for. */
export const firstOf =
  <A>(members: Readonly<Record<string, A>>) =>
  (u: Readonly<Record<string, unknown>>): O.Option<A> => {
    const name = Object.keys(members).find((member) => u[member] !== undefined)
    return O.fromNullable(name === undefined ? undefined : members[name])
  }

/** The member that the value names in one of its fields. */
export const byTag =
  <A>(field: string, members: Readonly<Record<string, A>>) =>
  (u: Readonly<Record<string, unknown>>): O.Option<A> => {
    const name = u[field]
    return typeof name === 'string' && Object.hasOwn(members, name) ? O.fromNullable(members[name]) : O.none
  }

/** A value of a kind that its JavaScript type gives away: text goes to the first codec, all else to the other. */
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

export interface Disagreement {
  readonly field: string
  readonly expected: string
}

/** Judges fields that are each right and may still be wrong together; the complaint names one of them. */
export const crossChecked = <A>(
  codec: t.Type<A, A, unknown>,
  check: (value: A) => O.Option<Disagreement>
): t.Type<A, A, unknown> =>
  new t.Type<A, A, unknown>(
    codec.name,
    (u): u is A => codec.is(u) && O.isNone(check(u)),
    (u, context) => {
      const result = codec.validate(u, context)
      if (E.isLeft(result)) return result
      const wrong = check(result.right)
      return O.isNone(wrong)
        ? result
        : t.failure(u, t.appendContext(context, wrong.value.field, t.unknown), wrong.value.expected)
    },
    t.identity
  )
