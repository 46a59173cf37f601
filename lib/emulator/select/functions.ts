/** The functions of Select's SQL, except aggregates and CAST. */
import { fail } from './failure.js'
import * as T from './timestamps.js'
import type { Value } from './types.js'
import { cast, isAbsent, numberOf, textOf } from './values.js'

export interface FunctionContext {
  /** Milliseconds of Unix time. */
  readonly now: number
}

type Operands = ReadonlyArray<Value>
type SqlFunction = (operands: Operands, context: FunctionContext) => Value

const rejectArgument = (name: string, value: Value): never =>
  fail('CastFailed', `${name.toUpperCase()} does not accept '${textOf(value).slice(0, 40)}'.`)

const text = (name: string, value: Value): string =>
  typeof value === 'string' ? value : typeof value === 'object' ? rejectArgument(name, value) : textOf(value)

const timestamp = (name: string, value: Value): T.Timestamp => {
  const read = cast({ type: 'timestamp' }, value)
  return typeof read === 'object' && read !== null && read._tag === 'Timestamp'
    ? read
    : rejectArgument(name, value)
}

const part = (name: string, value: Value): T.Part => T.partOf(textOf(value)) ?? rejectArgument(name, value)

const timed = (name: string, value: Value, time: T.Timestamp | bigint | undefined): Value =>
  time ?? rejectArgument(name, value)

/** `count` characters from position `from`, the first being 1. Positions outside the text count and are empty. */
const substring = (characters: ReadonlyArray<string>, from: number, count: number | undefined): string => {
  if (count !== undefined && count < 0)
    return fail('CastFailed', 'The length of SUBSTRING must not be negative.')
  const end = count === undefined ? Infinity : from - 1 + count
  return characters.slice(Math.max(0, from - 1), Math.max(0, end)).join('')
}

const trim = (name: string, value: Value, of: Value, [left, right]: readonly [boolean, boolean]): string => {
  const characters = Array.from(text(name, value))
  const unwanted = new Set(of === undefined ? [' '] : Array.from(text(name, of)))
  let [first, last] = [0, characters.length]
  while (left && first < last && unwanted.has(characters[first] ?? '')) first += 1
  while (right && last > first && unwanted.has(characters[last - 1] ?? '')) last -= 1
  return characters.slice(first, last).join('')
}

/** Called only if no operand is NULL; an omitted operand is `undefined`. */
const functions: Readonly<Record<string, SqlFunction>> = {
  char_length: ([value]) => BigInt(Array.from(text('char_length', value)).length),
  character_length: ([value]) => BigInt(Array.from(text('character_length', value)).length),
  lower: ([value]) => text('lower', value).toLowerCase(),
  upper: ([value]) => text('upper', value).toUpperCase(),
  substring: ([value, from, count]) =>
    substring(
      Array.from(text('substring', value)),
      Number(numberOf(from)),
      count === undefined ? undefined : Number(numberOf(count))
    ),
  btrim: ([value, of]) => trim('trim', value, of, [true, true]),
  ltrim: ([value, of]) => trim('trim', value, of, [true, false]),
  rtrim: ([value, of]) => trim('trim', value, of, [false, true]),
  extract: ([unit, value]) => T.extract(part('extract', unit), timestamp('extract', value)),
  date_add: ([unit, quantity, value]) =>
    timed(
      'date_add',
      value,
      T.dateAdd(part('date_add', unit), Number(numberOf(quantity)), timestamp('date_add', value))
    ),
  date_diff: ([unit, from, to]) =>
    timed(
      'date_diff',
      unit,
      T.dateDiff(part('date_diff', unit), timestamp('date_diff', from), timestamp('date_diff', to))
    ),
  to_string: ([value, pattern]) =>
    T.format(text('to_string', pattern), timestamp('to_string', value)) ??
    rejectArgument('to_string', pattern),
  to_timestamp: ([value]) => timestamp('to_timestamp', value),
  utcnow: (_, { now }) => ({ _tag: 'Timestamp', time: now })
}

/** The function of this name; NULL if an operand is NULL. */
export const bindFunction = (name: string, context: FunctionContext): ((operands: Operands) => Value) => {
  const found = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (found === undefined) return fail('SQLParsingError', `Unknown function: ${name}.`)
  return (operands) => (operands.some(isAbsent) ? null : found(operands, context))
}
