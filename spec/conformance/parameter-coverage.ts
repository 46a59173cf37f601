/**
 * Records the parameters that the spec of an operation has used. The codec of an input reads each of its fields by name, so
 * an input that records the reads has all parameters: a new one without a call is found.
 */
import type { Operation } from '../../lib/core/operation.js'

type Note = (path: string, value: unknown) => void

const isPlain = (u: unknown): u is object =>
  typeof u === 'object' && u !== null && (Array.isArray(u) || Object.getPrototypeOf(u) === Object.prototype)

// `JSON.stringify` reads it of every object.
const isParameter = (name: string): boolean => name !== 'toJSON' && !(name in Object.prototype)

const watchParameters = <A>(value: A, path: string, note: Note): A => {
  // A body's own fields are forms of a body, of which one is enough.
  if (!isPlain(value) || path === 'body') return value
  return new Proxy(value, {
    // The codec reads absent fields too if the object may inherit them.
    getPrototypeOf: () => null,
    get: (target, name, receiver): unknown => {
      const found: unknown = Reflect.get(target, name, receiver)
      if (typeof name === 'symbol') return found
      if (Array.isArray(target)) return /^\d+$/.test(name) ? watchParameters(found, `${path}[]`, note) : found
      if (!isParameter(name)) return found
      const here = path === '' ? name : `${path}.${name}`
      note(here, found)
      return watchParameters(found, here, note)
    }
  })
}

export interface ParameterTracker<I, A> {
  /** Makes the operation, and records its parameters. */
  readonly call: (input: I) => Operation<A>
  /** Paths of parameters, such as `copySource.versionId`, that no call has had. */
  readonly uncovered: () => ReadonlyArray<string>
  /** Paths of all parameters that the codec reads, given or not. */
  readonly paths: () => ReadonlyArray<string>
}

export const trackParameters = <I extends object, A>(
  make: (input: I) => Operation<A>
): ParameterTracker<I, A> => {
  const requested = new Set<string>()
  const given = new Set<string>()
  return {
    call: (input) =>
      make(
        watchParameters(input, '', (path, value) => {
          requested.add(path)
          if (value !== undefined) given.add(path)
        })
      ),
    uncovered: () => [...requested].filter((path) => !given.has(path)),
    paths: () => [...requested]
  }
}
