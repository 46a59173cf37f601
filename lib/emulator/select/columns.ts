/** Records, and the lookup of a name or a path in a record. */
import type { FromStep, Step, Value } from './types.js'
import { fail } from './failure.js'
import { fromJson } from './values.js'

export interface Header {
  readonly names: ReadonlyArray<string>
  /** The index of a column; -1 if there is none of that name. */
  readonly find: (name: string, exact: boolean) => number
}

export type Row =
  | { readonly _tag: 'Csv'; readonly fields: ReadonlyArray<string>; readonly header: Header | undefined }
  /** `undefined` if the path of FROM found nothing. */
  | { readonly _tag: 'Json'; readonly value: unknown }

/** A quoted name is case-sensitive. An unquoted one is not, and fails if it matches two names. */
const indexOfName = (names: ReadonlyArray<string>, name: string, exact: boolean): number => {
  if (exact) return names.indexOf(name)
  const folded = name.toLowerCase()
  const isEqual = (other: string): boolean => other.length === name.length && other.toLowerCase() === folded
  const index = names.findIndex(isEqual)
  return names.findLastIndex(isEqual) === index
    ? index
    : fail('AmbiguousFieldName', `${name} is the name of more than one field; put it in double quotes.`)
}

export const headerOf = (names: ReadonlyArray<string>): Header => {
  const cache = new Map<string, number>()
  return {
    names,
    find: (name, exact) => {
      const key = `${exact ? '"' : ''}${name}`
      const index = cache.get(key) ?? indexOfName(names, name, exact)
      cache.set(key, index)
      return index
    }
  }
}

const columnNumber = (name: string): number => (/^_[1-9]\d{0,6}$/.test(name) ? Number(name.slice(1)) - 1 : -1)

const fieldOf = (
  fields: ReadonlyArray<string>,
  header: Header | undefined,
  step: Step | undefined
): Value => {
  if (step === undefined || 'index' in step) return undefined
  const index = header?.find(step.name, step.exact) ?? -1
  return fields[index >= 0 ? index : columnNumber(step.name)]
}

const isObject = (json: unknown): json is Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const stepInto = (json: unknown, step: Step): unknown => {
  if ('index' in step) return Array.isArray(json) ? json[step.index] : undefined
  if (!isObject(json)) return undefined
  const names = Object.keys(json)
  const name = names[indexOfName(names, step.name, step.exact)]
  return name === undefined ? undefined : json[name]
}

/** A record that is not an object has one column, `_1`. */
const valueAt = (json: unknown, steps: ReadonlyArray<Step>): unknown => {
  const [first, ...rest] = steps
  const isOnly = first !== undefined && 'name' in first && first.name === '_1' && !isObject(json)
  return isOnly ? rest.reduce(stepInto, json) : steps.reduce(stepInto, json)
}

/** The value at a path; `undefined` if there is none. Without steps, the record itself. */
export const lookUp =
  (steps: ReadonlyArray<Step>) =>
  (row: Row): Value => {
    if (row._tag === 'Json') return fromJson(valueAt(row.value, steps))
    if (steps.length === 0) return fromJson(Object.fromEntries(allColumns(row)))
    return steps.length === 1 ? fieldOf(row.fields, row.header, steps[0]) : undefined
  }

/** All columns of a record, with their names. */
export const allColumns = (row: Row): ReadonlyArray<readonly [string, Value]> => {
  if (row._tag === 'Csv')
    return row.fields.map((field, at) => [row.header?.names[at] ?? `_${String(at + 1)}`, field])
  if (row.value === undefined) return []
  return isObject(row.value)
    ? Object.entries(row.value).map(([name, value]) => [name, fromJson(value)])
    : [['_1', fromJson(row.value)]]
}

const expand = (json: unknown, step: FromStep): ReadonlyArray<unknown> => {
  if (!('every' in step)) return [stepInto(json, step)]
  if (step.every === 'element') return Array.isArray(json) ? json : []
  return isObject(json) ? Object.values(json) : []
}

/** The records that the path of FROM finds in a value; one record without columns if it finds nothing. */
export const expandStars =
  (steps: ReadonlyArray<FromStep>) =>
  (json: unknown): ReadonlyArray<Row> => {
    const found = steps.reduce<ReadonlyArray<unknown>>(
      (values, step) => values.flatMap((value) => expand(value, step)),
      [json]
    )
    return (found.length === 0 ? [undefined] : found).map((value) => ({ _tag: 'Json', value }))
  }
