/** Codecs of inputs: they check at run time what the types state. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import type { InputProblem } from './error.js'
import { KiB, inUnits } from './limits.js'
import { problemOf, unknownField, withoutReceived } from './problem.js'

// The name of a codec is a noun that describes the expected value and completes the sentence `must be ...`.

// -- objects --
/** A field that may be absent. */
export interface Optional<A> {
  readonly optional: t.Decoder<unknown, A>
}

export const optional = <A>(codec: t.Decoder<unknown, A>): Optional<A> => ({ optional: codec })

/** A codec for each field of `A`, no more and no fewer; the compiler checks that the list is complete. */
export type FieldsOf<A> = {
  readonly [K in keyof A]-?: Record<never, never> extends Pick<A, K>
    ? Optional<Exclude<A[K], undefined>>
    : t.Decoder<unknown, A[K]>
}

const isOptional = (field: unknown): field is Optional<unknown> =>
  typeof field === 'object' && field !== null && 'optional' in field

const isPlainObject = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === 'object' && u !== null && !Array.isArray(u)

interface Field {
  readonly key: string
  readonly isOptional: boolean
  readonly codec: t.Decoder<unknown, unknown>
}

const noPath: t.Context = []

/**
 * An object of named fields. An unknown name is an error: a misspelled option must not be ignored silently.
 * `undefined` counts as absent.
 *
 * @param name the type of an operation's input; for an object inside an input a noun, such as `a range, { first, last }`
 */
export const struct = <A>(name: string, fields: FieldsOf<A>): t.Type<A, A, unknown> => {
  const entries: ReadonlyArray<Field> = Object.entries(fields).map(([key, field]: [string, unknown]) => ({
    key,
    isOptional: isOptional(field),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- FieldsOf has only these two shapes
    codec: (isOptional(field) ? field.optional : field) as t.Decoder<unknown, unknown>
  }))
  const known = new Map(entries.map(({ key, codec }) => [key, codec]))
  const required = entries.flatMap(({ key, isOptional }) => (isOptional ? [] : [key]))
  /**
   * The decoded value of a valid object, `undefined` for any other. Reads only the fields that it has: an input has up to
   * fifty, and nearly all of them are absent.
   */
  const decodeValid = (u: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined => {
    // A class may have its fields in its prototype.
    if (Object.getPrototypeOf(u) !== Object.prototype) return undefined
    const out: Record<string, unknown> = {}
    for (const key of Object.getOwnPropertyNames(u)) {
      const value = u[key]
      if (value === undefined) continue
      const result = known.get(key)?.validate(value, noPath)
      if (result === undefined || E.isLeft(result)) return undefined
      out[key] = result.right
    }
    for (const key of required) if (out[key] === undefined) return undefined
    return out
  }
  const type: t.Type<A, A, unknown> = new t.Type<A, A, unknown>(
    name,
    (u): u is A => E.isRight(type.decode(u)),
    (u, context) => {
      if (!isPlainObject(u)) return t.failure(u, context, context.length === 1 ? 'an object' : name)
      const valid = decodeValid(u)
      // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- each field was validated above
      if (valid !== undefined) return t.success(valid as A)
      // The problems, in the order of the fields.
      const errors: t.Errors = []
      const out: Record<string, unknown> = {}
      for (const key of Object.keys(u)) {
        if (known.has(key) || u[key] === undefined) continue
        errors.push(...unknownField(key, t.appendContext(context, key, t.unknown), known.keys()))
      }
      for (const { key, isOptional, codec } of entries) {
        const value = u[key]
        if (isOptional && value === undefined) continue
        // Only a failure needs its path, so only a failure is validated with one.
        const quick = codec.validate(value, noPath)
        const result = E.isRight(quick)
          ? quick
          : codec.validate(value, t.appendContext(context, key, codec, value))
        if (E.isLeft(result)) errors.push(...result.left)
        else out[key] = result.right
      }
      // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- each field was validated above
      return errors.length > 0 ? t.failures(errors) : t.success(out as A)
    },
    t.identity
  )
  return type
}

/** A field of an input that was not validated; it may be `null` or no object at all. */
export const fieldOf = (input: unknown, field: string): unknown =>
  typeof input === 'object' && input !== null
    ? Object.getOwnPropertyDescriptor(input, field)?.value
    : undefined

/** Removes the fields that are `undefined`, to pass optional parameters to another call. */
export const defined = <A extends object>(a: A): { [K in keyof A]?: Exclude<A[K], undefined> } =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- a subset of the entries of A
  Object.fromEntries(Object.entries(a).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]?: Exclude<A[K], undefined>
  }

/**
 * Picks those of the named fields that an input has, to pass parameters to another call. Its own fields are compared with the
 * names: an upload has up to thirty options, and most of them are absent.
 */
export const pick = <K extends string>(...names: ReadonlyArray<K>) => {
  const all: ReadonlyArray<string> = names
  const isPicked = (name: string): name is K => all.includes(name)
  return <A extends { readonly [name in K]?: unknown }>(from: A): Pick<A, K> => {
    const picked: { [name in K]?: unknown } = {}
    for (const name of Object.keys(from)) {
      if (isPicked(name) && from[name] !== undefined) picked[name] = from[name]
    }
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the fields of A by those names
    return picked as Pick<A, K>
  }
}

/** The first problem of an input, with its field. */
export const firstProblem = (errors: t.Errors): InputProblem =>
  errors.map(problemOf)[0] ?? { field: '', problem: 'invalid', message: 'must be another value' }

/** Decodes one value that is not part of an input object; `field` is its name in the problem. */
export const check =
  <A>(field: string, codec: t.Decoder<unknown, A>) =>
  (value: unknown): E.Either<InputProblem, A> =>
    E.mapLeft((errors: t.Errors) => ({ ...firstProblem(errors), field }))(codec.decode(value))

// -- making codecs --
/** Makes a codec from a type guard. */
export const guarded = <A>(expected: string, is: t.Is<A>): t.Type<A, A, unknown> =>
  new t.Type(expected, is, (u, c) => (is(u) ? t.success(u) : t.failure(u, c, expected)), t.identity)

/** Narrows a codec; `expected` describes the narrower values. */
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

/** A codec whose failures do not show the received value: it is a secret, or may hold one. */
export const secret = <A, O>(codec: t.Type<A, O, unknown>): t.Type<A, O, unknown> =>
  new t.Type(codec.name, codec.is, (u, c) => E.mapLeft(withoutReceived)(codec.validate(u, c)), codec.encode)

// -- values --
export const date: t.Type<Date, Date, unknown> = guarded(
  'a valid Date',
  (u): u is Date => u instanceof Date && !Number.isNaN(u.getTime())
)

export const boolean: t.Type<boolean, boolean, unknown> = guarded(
  'true or false',
  (u): u is boolean => typeof u === 'boolean'
)

const isInteger =
  (min: number, max: number) =>
  (u: unknown): u is number =>
    typeof u === 'number' && Number.isSafeInteger(u) && u >= min && u <= max

// Not toLocaleString: loading Node's Intl took 38 ms of each import (Node 20.20).
const groupDigits = (n: number): string => String(n).replace(/\B(?=(?:\d{3})+$)/g, ',')

/**
 * An integer from `min` to `max`, both included.
 *
 * @param unit for the message, such as `milliseconds`
 */
export const integer = (
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
  unit?: string
): t.Type<number, number, unknown> => {
  const range =
    max === Number.MAX_SAFE_INTEGER
      ? `, at least ${groupDigits(min)}`
      : ` from ${groupDigits(min)} to ${groupDigits(max)}`
  return guarded(`an integer${range}${unit === undefined ? '' : ` (${unit})`}`, isInteger(min, max))
}

/** A size in bytes, from `min` to `max`, both included. */
export const bytes = (
  min: number,
  max: number = Number.MAX_SAFE_INTEGER
): t.Type<number, number, unknown> => {
  if (min < KiB) return integer(min, max, 'bytes')
  const range =
    max === Number.MAX_SAFE_INTEGER ? `at least ${inUnits(min)}` : `${inUnits(min)} to ${inUnits(max)}`
  const exact = max === Number.MAX_SAFE_INTEGER ? String(min) : `${String(min)} to ${String(max)}`
  return guarded(`${range}, in bytes (${exact})`, isInteger(min, max))
}

export const text: t.Type<string, string, unknown> = guarded(
  'a string',
  (u): u is string => typeof u === 'string'
)

export const nonEmpty: t.Type<string, string, unknown> = guarded(
  'a non-empty string',
  (u): u is string => typeof u === 'string' && u !== ''
)

const isPath = (u: unknown): u is string => typeof u === 'string' && u !== '' && !u.includes('\0')

/** A path of the local disk; `expected` says of what. */
export const path = (expected: string): t.Type<string, string, unknown> => guarded(expected, isPath)

export const directoryOrFalse: t.Type<string | false, string | false, unknown> = guarded(
  'the path of a directory, or false',
  (u): u is string | false => u === false || isPath(u)
)

const outsideHeaders = /[^\t\x20-\x7e\x80-\xff]/

/** Whether a header can carry the text: no line breaks, no NUL, no code point above U+00FF. */
export const isHeaderValue = (value: string): boolean => !outsideHeaders.test(value)

export const headerValue: t.Type<string, string, unknown> = guarded(
  'a string that a header can carry: no line breaks or control characters, nothing above U+00FF (percent-encode it)',
  (u): u is string => typeof u === 'string' && isHeaderValue(u)
)

const alternatives = (values: ReadonlyArray<string>): string => {
  const quoted = values.map((value) => `'${value}'`)
  return quoted.length < 3 ? quoted.join(' or ') : `one of ${quoted.join(', ')}`
}

export const oneOf = <A extends string>(
  ...values: readonly [A, ...ReadonlyArray<A>]
): t.Type<A, A, unknown> => {
  const all: ReadonlySet<unknown> = new Set(values)
  return guarded(alternatives(values), (u): u is A => all.has(u))
}

/** Strings by name. */
export const textByName: t.Type<
  Readonly<Record<string, string>>,
  Readonly<Record<string, string>>,
  unknown
> = t.record(text, text, 'an object of strings')
