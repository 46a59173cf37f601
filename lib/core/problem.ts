/** Validation problems: io-ts failures that name the field, the problem and the expected value. */
import * as t from 'io-ts'
import type { InputProblem } from './error.js'
import { similarName } from './similar-name.js'

/** A problem without its field, which is the path of io-ts's failure. */
export type Finding = Omit<InputProblem, 'field'>

interface FindingError extends t.ValidationError {
  readonly finding: Finding
}

const hasFinding = (error: t.ValidationError): error is FindingError => 'finding' in error

// Text that looks like a credential or a signed URL is never repeated, nor the value of a field with such a name.
const secretText = /@|secret|token|password|signature|authorization/i
const longest = 40

/** A value in short, for a message; undefined if it may hold a secret. */
const brief = (value: unknown): string | undefined => {
  switch (typeof value) {
    case 'string':
      if (secretText.test(value)) return undefined
      return JSON.stringify(value.length > longest ? `${value.slice(0, longest)}...` : value)
    case 'function':
    case 'symbol':
      return `a ${typeof value}`
    case 'object':
      if (value === null) return 'null'
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date'
      if (value instanceof Uint8Array) return `${String(value.length)} bytes`
      return Array.isArray(value) ? `an array of ${String(value.length)}` : 'an object'
    default:
      return String(value)
  }
}

const errorOf = (value: unknown, context: t.Context, finding: Finding): FindingError => ({
  value,
  context,
  message: finding.message,
  finding
})

/** Fails a codec's `validate` with a finding. For a message that starts with `must be`, `t.failure` is enough. */
export const failWith = <A>(value: unknown, context: t.Context, finding: Finding): t.Validation<A> =>
  t.failures([errorOf(value, context, finding)])

/** The failure of a field that the codec does not know. It has no value: the field may be a misspelled secret. */
export const unknownField = (name: string, context: t.Context, known: Iterable<string>): t.Errors => {
  const suggestion = similarName(name, known)
  return [
    errorOf(undefined, context, {
      problem: 'unknown',
      message: 'is not a known field',
      ...(suggestion === undefined ? {} : { suggestion })
    })
  ]
}

/** The problem of a field that is valid alone but contradicts another; the message names the other field and the reason. */
export const conflict = (field: string, message: string): InputProblem => ({
  field,
  problem: 'conflict',
  message
})

export const missing = (field: string, message = 'is required'): InputProblem => ({
  field,
  problem: 'missing',
  message
})

// io-ts numbers the members of an intersection or a union. Those numbers are no fields of the caller.
const isNumbered = (type: unknown): boolean =>
  typeof type === 'object' &&
  type !== null &&
  '_tag' in type &&
  (type._tag === 'IntersectionType' || type._tag === 'UnionType')

const pathOf = (context: t.Context): string =>
  context
    .filter((entry, at) => entry.key !== '' && !isNumbered(context[at - 1]?.type))
    .map((entry) => entry.key)
    .join('.')

/** The problem of a failure of any codec. Without a finding, the failure's message or its type's name is a noun. */
export const problemOf = (error: t.ValidationError): InputProblem => {
  const field = pathOf(error.context)
  if (hasFinding(error)) return { field, ...error.finding }
  if (error.value === undefined && field !== '') return missing(field)
  const received = secretText.test(field) ? undefined : brief(error.value)
  return {
    field,
    problem: 'invalid',
    message: `must be ${error.message ?? error.context.at(-1)?.type.name ?? 'another value'}`,
    ...(received === undefined ? {} : { received })
  }
}

/** The same failures, without the received values: for fields that hold a secret. */
export const withoutReceived = (errors: t.Errors): t.Errors =>
  errors.map((error) => {
    const { field: _field, received: _received, ...finding } = problemOf(error)
    return errorOf(undefined, error.context, finding)
  })

/** The failures of a codec on a response, each as one text, without the received values: these are user data. */
export const problems = (errors: t.Errors): ReadonlyArray<string> =>
  errors
    .map(problemOf)
    .map(
      ({ field, problem, message }) =>
        `${field || 'value'}: ${problem === 'missing' ? 'is missing' : message}`
    )
