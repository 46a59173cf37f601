/** Records, and how a name finds its value in one. */
import type { FromStep, Step } from './expression.js'
import { fail } from './failure.js'
import { fromJson, type Value } from './values.js'

export interface Header {
  readonly names: ReadonlyArray<string>
  /** The place of a column; -1 where there is none of that name. */
  readonly find: (name: string, exact: boolean) => number
}

export type Row =
  | { readonly _tag: 'Csv'; readonly fields: ReadonlyArray<string>; readonly header: Header | undefined }
  /** `undefined` where the path of FROM led nowhere. */
  | { readonly _tag: 'Json'; readonly value: unknown }

/** Letters count where a name was quoted; where it was not, two that differ in them alone can not be told apart. */
const placeOf = (names: ReadonlyArray<string>, name: string, exact: boolean): number => {
  if (exact) return names.indexOf(name)
  const folded = name.toLowerCase()
  const isNamed = (each: string): boolean => each.length === name.length && each.toLowerCase() === folded
  const place = names.findIndex(isNamed)
  return names.findLastIndex(isNamed) === place
    ? place
    : fail('AmbiguousFieldName', `${name} is the name of more than one field; put it in double quotes.`)
}

export const headerOf = (names: ReadonlyArray<string>): Header => {
  const known = new Map<string, number>()
  return {
    names,
    find: (name, exact) => {
      const key = `${exact ? '"' : ''}${name}`
      const place = known.get(key) ?? placeOf(names, name, exact)
      known.set(key, place)
      return place
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
  const named = header?.find(step.name, step.exact) ?? -1
  return fields[named >= 0 ? named : columnNumber(step.name)]
}

const isObject = (json: unknown): json is Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const stepInto = (json: unknown, step: Step): unknown => {
  if ('index' in step) return Array.isArray(json) ? json[step.index] : undefined
  if (!isObject(json)) return undefined
  const names = Object.keys(json)
  const name = names[placeOf(names, step.name, step.exact)]
  return name === undefined ? undefined : json[name]
}

/** A record that is no object has one column, `_1`. */
const valueAt = (json: unknown, steps: ReadonlyArray<Step>): unknown => {
  const [first, ...rest] = steps
  const isOnly = first !== undefined && 'name' in first && first.name === '_1' && !isObject(json)
  return isOnly ? rest.reduce(stepInto, json) : steps.reduce(stepInto, json)
}

/** The value at the end of a path; `undefined` where it ends nowhere. No steps: the record itself. */
export const lookUp =
  (steps: ReadonlyArray<Step>) =>
  (row: Row): Value => {
    if (row._tag === 'Json') return fromJson(valueAt(row.value, steps))
    if (steps.length === 0) return fromJson(Object.fromEntries(allOf(row)))
    return steps.length === 1 ? fieldOf(row.fields, row.header, steps[0]) : undefined
  }

/** All columns of a record, with their names. */
export const allOf = (row: Row): ReadonlyArray<readonly [string, Value]> => {
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

/** The records that a path finds in a value. At least one: what leads nowhere is a record without columns. */
export const expandStars =
  (steps: ReadonlyArray<FromStep>) =>
  (json: unknown): ReadonlyArray<Row> => {
    const found = steps.reduce<ReadonlyArray<unknown>>(
      (values, step) => values.flatMap((value) => expand(value, step)),
      [json]
    )
    return (found.length === 0 ? [undefined] : found).map((value) => ({ _tag: 'Json', value }))
  }
