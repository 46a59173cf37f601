/** Operations on values: comparison, arithmetic, conversion and text. */
import { fail } from './failure.js'
import { readTimestamp, type Timestamp, writeTimestamp } from './timestamps.js'
import type { Arithmetic, Comparison, Target, Value } from './types.js'

export const isAbsent = (value: Value): value is null | undefined => value === null || value === undefined

const isNumeric = (value: Value): value is bigint | number =>
  typeof value === 'bigint' || typeof value === 'number'

const isTimestamp = (value: Value): value is Timestamp =>
  typeof value === 'object' && value !== null && value._tag === 'Timestamp'

/** The value of JSON that `parseJson` returned. */
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

// -- parsing text --
const integer = /^\s*[+-]?\d+\s*$/
const decimal = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/

const fitsInt = (value: bigint): boolean => BigInt.asIntN(64, value) === value

const readNumber = (text: string): bigint | number | undefined => {
  // Longer ones do not fit 64 bits, and parsing them takes time quadratic in their length.
  if (integer.test(text) && text.length <= 40) {
    const value = BigInt(text.trim().replace(/^\+/, ''))
    return fitsInt(value) ? value : Number(value)
  }
  return decimal.test(text) ? Number(text) : undefined
}

const readBool = (text: string): boolean | undefined =>
  /^\s*true\s*$/i.test(text) ? true : /^\s*false\s*$/i.test(text) ? false : undefined

// -- text --
const typeOf = (value: Value): string => {
  if (isAbsent(value)) return 'NULL'
  if (typeof value === 'object') return value._tag === 'Nested' ? 'a list or an object' : 'a timestamp'
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'a boolean' : 'a number'
}

const describeValue = (value: Value): string =>
  typeof value === 'string' ? `'${value.slice(0, 40)}'` : `${typeOf(value)} ${textOf(value).slice(0, 40)}`

/** JSON as Select writes it, with `bigint`s as numbers. */
const writeJson = (json: unknown): string => {
  if (typeof json === 'bigint') return String(json)
  if (typeof json !== 'object' || json === null) return JSON.stringify(json)
  if (Array.isArray(json)) return `[${json.map(writeJson).join(',')}]`
  return `{${Object.entries(json)
    .map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`)
    .join(',')}}`
}

/** A value as a field of CSV, or within a longer text. */
export const textOf = (value: Value): string => {
  if (isAbsent(value)) return ''
  if (typeof value !== 'object') return String(value)
  return value._tag === 'Nested' ? writeJson(value.json) : writeTimestamp(value)
}

/** A value as a member of a JSON object; undefined if it is absent. */
export const jsonOf = (value: Value): string | undefined => {
  if (value === undefined) return undefined
  return typeof value === 'object' && value !== null
    ? value._tag === 'Nested'
      ? writeJson(value.json)
      : JSON.stringify(writeTimestamp(value))
    : writeJson(value)
}

// -- comparison --
const order = <A extends boolean | bigint | number | string>(
  a: A,
  b: bigint | number | boolean | string
): number => (a < b ? -1 : a > b ? 1 : 0)

/** Text compared with another type is parsed as that type, because all columns of CSV are text. */
const parseLike = (text: string, other: Value): Value => {
  if (isNumeric(other)) return readNumber(text)
  if (typeof other === 'boolean') return readBool(text)
  return isTimestamp(other) ? readTimestamp(text) : undefined
}

/** Negative, 0 or positive; `NaN` if the types are not comparable. Neither value is absent. */
const compareValues = (a: Value, b: Value): number => {
  if (typeof a === 'string' && typeof b === 'string') return order(a, b)
  if (typeof a === 'string') return typeof b === 'string' ? 0 : compareSameType(parseLike(a, b), b)
  if (typeof b === 'string') return compareSameType(a, parseLike(b, a))
  return compareSameType(a, b)
}
const compareSameType = (a: Value, b: Value): number => {
  if (isNumeric(a) && isNumeric(b)) return order(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return order(a, b)
  if (isTimestamp(a) && isTimestamp(b)) return order(a.time, b.time)
  return NaN
}

/** `null` if either value is absent. Values of different types are not equal, and ordering them fails. */
export const compare = (operator: Comparison, a: Value, b: Value): boolean | null => {
  if (isAbsent(a) || isAbsent(b)) return null
  const result = compareValues(a, b)
  if (operator === '=') return result === 0
  if (operator === '<>') return result !== 0
  if (Number.isNaN(result))
    fail('ComparisonFailed', `${describeValue(a)} and ${describeValue(b)} cannot be compared by ${operator}.`)
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

// -- arithmetic --
/** A number, or text that is one; `null` if the value is absent. */
export const numberOf = (value: Value): bigint | number | null => {
  if (isAbsent(value)) return null
  const number = typeof value === 'string' ? readNumber(value) : value
  return isNumeric(number) ? number : fail('CastFailed', `${describeValue(value)} is not a number.`)
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

/** The result of two INTs is an INT, also for `/`; `null` if a value is absent. */
export const calculate = (operator: Arithmetic, a: Value, b: Value): bigint | number | null => {
  const [left, right] = [numberOf(a), numberOf(b)]
  if (left === null || right === null) return null
  if ((operator === '/' || operator === '%') && Number(right) === 0)
    fail('CastFailed', `${describeValue(left)} cannot be divided by zero.`)
  return inRange(
    typeof left === 'bigint' && typeof right === 'bigint'
      ? ofInts[operator](left, right)
      : ofNumbers[operator](Number(left), Number(right))
  )
}

// -- conversion --
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

const convert = (target: Target, value: Value): Value => {
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

/** `null` if the value is absent. */
export const cast = (target: Target, value: Value): Value => {
  if (isAbsent(value)) return null
  const result = convert(target, value)
  return result === undefined
    ? fail('CastFailed', `${describeValue(value)} cannot be cast to ${target.type.toUpperCase()}.`)
    : result
}
