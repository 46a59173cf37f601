/** What a column can hold, and how values compare, count and read. */
import type { Arithmetic, Comparison, Target } from './expression.js'
import { fail } from './failure.js'
import { readTimestamp, type Timestamp, writeTimestamp } from './timestamps.js'

/** A JSON array or object. */
export interface Nested {
  readonly _tag: 'Nested'
  readonly json: object
}

/**
 * `undefined` is what is not there, such as the ninth column of eight; in a condition it is as NULL. INT is a `bigint`,
 * FLOAT and DECIMAL a `number`: a DECIMAL of more than 15 digits loses some here, as it would not on COS.
 */
export type Value = undefined | null | boolean | bigint | number | string | Timestamp | Nested

export const isAbsent = (value: Value): value is null | undefined => value === null || value === undefined

const isNumeric = (value: Value): value is bigint | number =>
  typeof value === 'bigint' || typeof value === 'number'

const isTimestamp = (value: Value): value is Timestamp =>
  typeof value === 'object' && value !== null && value._tag === 'Timestamp'

/** A value of `parseJson`. */
export const fromJson = (json: unknown): Value => {
  switch (typeof json) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return json
    case 'number':
      return Number.isSafeInteger(json) ? BigInt(json) : json
    case 'object':
      return json === null ? null : { _tag: 'Nested', json }
    default:
      return undefined
  }
}

// -- reading text --
const integer = /^\s*[+-]?\d+\s*$/
const decimal = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/

const fitsInt = (value: bigint): boolean => BigInt.asIntN(64, value) === value

const readNumber = (text: string): bigint | number | undefined => {
  // Longer ones are no 64 bits, and take time that grows with the square of their length.
  if (integer.test(text) && text.length <= 40) {
    const value = BigInt(text.trim().replace(/^\+/, ''))
    return fitsInt(value) ? value : Number(value)
  }
  return decimal.test(text) ? Number(text) : undefined
}

const readBool = (text: string): boolean | undefined =>
  /^\s*true\s*$/i.test(text) ? true : /^\s*false\s*$/i.test(text) ? false : undefined

// -- words --
const typeOf = (value: Value): string => {
  if (isAbsent(value)) return 'NULL'
  if (typeof value === 'object') return value._tag === 'Nested' ? 'a list or an object' : 'a timestamp'
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'a boolean' : 'a number'
}

const shown = (value: Value): string =>
  typeof value === 'string' ? `'${value.slice(0, 40)}'` : `${typeOf(value)} ${textOf(value).slice(0, 40)}`

/** JSON as Select writes it: `bigint`s as they are. */
export const writeJson = (json: unknown): string => {
  if (typeof json === 'bigint') return String(json)
  if (typeof json !== 'object' || json === null) return JSON.stringify(json)
  if (Array.isArray(json)) return `[${json.map(writeJson).join(',')}]`
  return `{${Object.entries(json)
    .map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`)
    .join(',')}}`
}

/** As a field of CSV, or a part of a longer text. */
export const textOf = (value: Value): string => {
  if (isAbsent(value)) return ''
  if (typeof value !== 'object') return String(value)
  return value._tag === 'Nested' ? writeJson(value.json) : writeTimestamp(value)
}

/** As a member of a JSON object; what is not there has none. */
export const jsonOf = (value: Value): string | undefined => {
  if (value === undefined) return undefined
  return typeof value === 'object' && value !== null
    ? value._tag === 'Nested'
      ? writeJson(value.json)
      : JSON.stringify(writeTimestamp(value))
    : writeJson(value)
}

// -- comparing --
const order = <A extends boolean | bigint | number | string>(
  a: A,
  b: bigint | number | boolean | string
): number => (a < b ? -1 : a > b ? 1 : 0)

/** Text beside another type is read as that type: without a CAST all of a CSV is text. */
const alike = (text: string, other: Value): Value => {
  if (isNumeric(other)) return readNumber(text)
  if (typeof other === 'boolean') return readBool(text)
  return isTimestamp(other) ? readTimestamp(text) : undefined
}

/** Below 0, 0, above 0; `NaN` where the two have no order. Neither is absent. */
const compared = (a: Value, b: Value): number => {
  if (typeof a === 'string' && typeof b === 'string') return order(a, b)
  if (typeof a === 'string') return typeof b === 'string' ? 0 : comparedAs(alike(a, b), b)
  if (typeof b === 'string') return comparedAs(a, alike(b, a))
  return comparedAs(a, b)
}
const comparedAs = (a: Value, b: Value): number => {
  if (isNumeric(a) && isNumeric(b)) return order(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return order(a, b)
  if (isTimestamp(a) && isTimestamp(b)) return order(a.time, b.time)
  return NaN
}

/** Unknown, as NULL, where either is absent. Things of different types are not equal, and have no order. */
export const compare = (operator: Comparison, a: Value, b: Value): boolean | null => {
  if (isAbsent(a) || isAbsent(b)) return null
  const result = compared(a, b)
  if (operator === '=') return result === 0
  if (operator === '<>') return result !== 0
  if (Number.isNaN(result))
    fail('ComparisonFailed', `${shown(a)} and ${shown(b)} can not be compared by ${operator}.`)
  switch (operator) {
    case '<':
      return result < 0
    case '<=':
      return result <= 0
    case '>':
      return result > 0
    case '>=':
      return result >= 0
  }
}

// -- counting --
/** A number, also in text; nothing of what is absent. */
export const numberOf = (value: Value): bigint | number | null => {
  if (isAbsent(value)) return null
  const number = typeof value === 'string' ? readNumber(value) : value
  return isNumeric(number) ? number : fail('CastFailed', `${shown(value)} is no number.`)
}

const inRange = (value: bigint | number): bigint | number =>
  (typeof value === 'bigint' ? fitsInt(value) : Number.isFinite(value))
    ? value
    : fail('CastFailed', `${String(value)} is out of range.`)

const ofInts: Readonly<Record<Arithmetic, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b
}
const ofNumbers: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b
}

/** Two INTs make an INT, `/` among them; nothing comes of what is absent. */
export const calculate = (operator: Arithmetic, a: Value, b: Value): bigint | number | null => {
  const [left, right] = [numberOf(a), numberOf(b)]
  if (left === null || right === null) return null
  if ((operator === '/' || operator === '%') && Number(right) === 0)
    fail('CastFailed', `${shown(left)} can not be divided by zero.`)
  return inRange(
    typeof left === 'bigint' && typeof right === 'bigint'
      ? ofInts[operator](left, right)
      : ofNumbers[operator](Number(left), Number(right))
  )
}

// -- casting --
const toInt = (value: Value): bigint | undefined => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined
    return whole !== undefined && fitsInt(whole) ? whole : undefined
  }
  const read = typeof value === 'string' ? readNumber(value) : undefined
  return typeof read === 'bigint' ? read : undefined
}

const toFloat = (value: Value): number | undefined => {
  const number = typeof value === 'string' ? readNumber(value) : value
  return isNumeric(number) && Number.isFinite(Number(number)) ? Number(number) : undefined
}

const toBool = (value: Value): boolean | undefined => {
  if (typeof value === 'boolean') return value
  return typeof value === 'string' ? readBool(value) : isNumeric(value) ? Number(value) !== 0 : undefined
}

const converted = (target: Target, value: Value): Value => {
  switch (target.type) {
    case 'int':
      return toInt(value)
    case 'float':
      return toFloat(value)
    case 'decimal': {
      const number = toFloat(value)
      return number === undefined || target.scale === undefined
        ? number
        : Number(number.toFixed(target.scale))
    }
    case 'bool':
      return toBool(value)
    case 'string':
      return textOf(value)
    case 'timestamp':
      return isTimestamp(value) ? value : typeof value === 'string' ? readTimestamp(value) : undefined
  }
}

/** Nothing comes of what is absent. */
export const cast = (target: Target, value: Value): Value => {
  if (isAbsent(value)) return null
  const result = converted(target, value)
  return result === undefined
    ? fail('CastFailed', `${shown(value)} can not be cast to ${target.type.toUpperCase()}.`)
    : result
}
