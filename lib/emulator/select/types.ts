/** The values of a query and the words of its language, without code: shared by the parser, the compiler and the evaluators. */
import type { Timestamp } from './timestamps.js'

// -- values --
/** A JSON array or object. */
export interface Nested {
  readonly _tag: 'Nested'
  readonly json: object
}

/**
 * The value of a column. `undefined` is an absent value, such as the ninth column of eight; conditions treat it as NULL.
 * INT is a `bigint`, FLOAT and DECIMAL are a `number`: a DECIMAL of more than 15 digits loses digits here but not on COS.
 */
export type Value = undefined | null | boolean | bigint | number | string | Timestamp | Nested

// -- paths --
/** One step into a record: a member by name, or an element by index, from 0. */
export type Step =
  /** `exact`: the name was quoted and is case-sensitive. */
  { readonly name: string; readonly exact: boolean } | { readonly index: number }

/** One step of the path in FROM. */
export type FromStep = Step | { readonly every: 'element' | 'member' }

// -- operators --
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='
export type Arithmetic = '+' | '-' | '*' | '/' | '%'
export type AggregateName = 'count' | 'sum' | 'avg' | 'min' | 'max'

/** The target type of a CAST. */
export type Target =
  | { readonly type: 'bool' | 'int' | 'float' | 'string' | 'timestamp' }
  /** `scale`: digits after the point; undefined keeps all. */
  | { readonly type: 'decimal'; readonly scale?: number }
