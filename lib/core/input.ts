/** What the caller hands in, judged at run time by the same words as at compile time. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import type { InputProblem } from './error.js'
import { problemOf, unknownField } from './problem.js'

/** A field that may be left out. */
export interface Optional<A> {
  readonly optional: t.Decoder<unknown, A>
}

export const optional = <A>(codec: t.Decoder<unknown, A>): Optional<A> => ({ optional: codec })

/** A codec for every field of `A`, no more and no fewer; the compiler counts them. */
export type FieldsOf<A> = {
  readonly [K in keyof A]-?: Record<never, never> extends Pick<A, K>
    ? Optional<Exclude<A[K], undefined>>
    : t.Decoder<unknown, A[K]>
}

const isOptional = (field: unknown): field is Optional<unknown> =>
  typeof field === 'object' && field !== null && 'optional' in field

const isPlainObject = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === 'object' && u !== null && !Array.isArray(u)

/**
 * An object of named fields. A name that is not among them is an error: a misspelt option must not be silence.
 * `undefined` counts as left out.
 */
export const struct = <A>(name: string, fields: FieldsOf<A>): t.Type<A, A, unknown> => {
  const entries: ReadonlyArray<readonly [string, unknown]> = Object.entries(fields)
  const known = new Set(entries.map(([key]) => key))
  const type: t.Type<A, A, unknown> = new t.Type<A, A, unknown>(
    name,
    (u): u is A => E.isRight(type.decode(u)),
    (u, context) => {
      if (!isPlainObject(u)) return t.failure(u, context, name)
      const errors: t.Errors = []
      const out: Record<string, unknown> = {}
      for (const key of Object.keys(u)) {
        if (known.has(key) || u[key] === undefined) continue
        errors.push(...unknownField(key, t.appendContext(context, key, t.unknown), known))
      }
      for (const [key, field] of entries) {
        const value = u[key]
        if (isOptional(field) && value === undefined) continue
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- FieldsOf has only these two shapes
        const codec = (isOptional(field) ? field.optional : field) as t.Decoder<unknown, unknown>
        const result = codec.validate(value, t.appendContext(context, key, codec, value))
        if (E.isLeft(result)) errors.push(...result.left)
        else out[key] = result.right
      }
      // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- each field has just been judged
      return errors.length > 0 ? t.failures(errors) : t.success(out as A)
    },
    t.identity
  )
  return type
}

/** Without the fields that are `undefined`, for handing on optional parameters. */
export const defined = <A extends object>(a: A): { [K in keyof A]?: Exclude<A[K], undefined> } =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- entries of A, some left out
  Object.fromEntries(Object.entries(a).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]?: Exclude<A[K], undefined>
  }

/** Where an input is wrong and what would be right, of the first thing that is. */
export const firstProblem = (errors: t.Errors): InputProblem =>
  errors.map(problemOf)[0] ?? { field: '', problem: 'invalid', message: 'must be another value' }

/** A codec of a guard, under words of its own. */
export const guarded = <A>(expected: string, is: t.Is<A>): t.Type<A, A, unknown> =>
  new t.Type(expected, is, (u, c) => (is(u) ? t.success(u) : t.failure(u, c, expected)), t.identity)

/** Narrows a codec further, under words of its own. */
export const refined = <A>(
  codec: t.Type<A, A, unknown>,
  expected: string,
  holds: (value: A) => boolean
): t.Type<A, A, unknown> =>
  new t.Type(
    expected,
    (u): u is A => codec.is(u) && holds(u),
    (u, c) => {
      const result = codec.validate(u, c)
      return E.isRight(result) && !holds(result.right) ? t.failure(u, c, expected) : result
    },
    t.identity
  )

export const date: t.Type<Date, Date, unknown> = guarded(
  'a valid Date',
  (u): u is Date => u instanceof Date && !Number.isNaN(u.getTime())
)

export const boolean: t.Type<boolean, boolean, unknown> = guarded(
  'true or false',
  (u): u is boolean => typeof u === 'boolean'
)

/** A whole number from `min` to `max`, both allowed. */
export const integer = (
  min: number,
  max: number = Number.MAX_SAFE_INTEGER
): t.Type<number, number, unknown> =>
  guarded(
    max === Number.MAX_SAFE_INTEGER
      ? `a whole number, at least ${String(min)}`
      : `a whole number from ${String(min)} to ${String(max)}`,
    (u): u is number => typeof u === 'number' && Number.isSafeInteger(u) && u >= min && u <= max
  )

export const text: t.Type<string, string, unknown> = guarded(
  'text',
  (u): u is string => typeof u === 'string'
)

export const nonEmpty: t.Type<string, string, unknown> = guarded(
  'text, not empty',
  (u): u is string => typeof u === 'string' && u !== ''
)

const outsideHeaders = /[^\t\x20-\x7e\x80-\xff]/

/** What a header can carry: no line breaks, no NUL, no code point above U+00FF. */
export const isHeaderValue = (value: string): boolean => !outsideHeaders.test(value)

export const headerValue: t.Type<string, string, unknown> = guarded(
  'text that a header can carry: no line breaks or control characters, nothing above U+00FF (percent-encode it)',
  (u): u is string => typeof u === 'string' && isHeaderValue(u)
)

export const oneOf = <A extends string>(
  ...values: readonly [A, ...ReadonlyArray<A>]
): t.Type<A, A, unknown> => {
  const all: ReadonlySet<unknown> = new Set(values)
  return guarded(`one of ${values.join(', ')}`, (u): u is A => all.has(u))
}

/** Any record of text by name. */
export const textByName: t.Type<
  Readonly<Record<string, string>>,
  Readonly<Record<string, string>>,
  unknown
> = t.record(t.string, t.string)

/** Some of the fields of an input, those that are there: for handing parameters on to another call. */
export const pick =
  <K extends string>(...names: ReadonlyArray<K>) =>
  <A extends { readonly [name in K]?: unknown }>(from: A): Pick<A, K> => {
    const picked = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]] as const]))
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the fields of A by those names
    return Object.fromEntries(picked) as Pick<A, K>
  }
