/** Compiles expressions to functions of a record. */
import { lookUp, type Row } from './columns.js'
import type { Expression } from './expression.js'
import { fail } from './failure.js'
import { bindFunction, type FunctionContext } from './functions.js'
import { likeMatcher } from './like.js'
import type { AggregateName, Value } from './types.js'
import { calculate, cast, compare, isAbsent, numberOf, textOf } from './values.js'

export type Evaluate = (row: Row) => Value

/** One aggregate of a query; `add` is called for each record. */
export interface Aggregate {
  readonly add: (row: Row) => void
}

export interface CompileContext extends FunctionContext {
  /** Called with each aggregate of an expression. */
  readonly onAggregate: (aggregate: Aggregate) => void
}

/** `null` is SQL's unknown. */
const toTruth = (value: Value): boolean | null => {
  if (isAbsent(value)) return null
  return typeof value === 'boolean'
    ? value
    : fail('ComparisonFailed', `A condition must be true or false, not '${textOf(value).slice(0, 40)}'.`)
}

export const isTrue = (value: Value): boolean => toTruth(value) === true

const compileAggregate = (
  name: AggregateName,
  operand: Evaluate | undefined
): Aggregate & { readonly result: () => Value } => {
  let count = 0n
  let folded: bigint | number | null = null
  const fold = (number: bigint | number): bigint | number | null => {
    if (folded === null) return number
    if (name === 'sum' || name === 'avg') return calculate('+', folded, number)
    return number < folded === (name === 'min') ? number : folded
  }
  return {
    add: (row) => {
      const value = operand === undefined ? true : operand(row)
      if (isAbsent(value)) return
      count += 1n
      if (name === 'count') return
      const number = numberOf(value)
      if (number !== null) folded = fold(number)
    },
    result: () => {
      if (name === 'count') return count
      return name === 'avg' && folded !== null ? Number(folded) / Number(count) : folded
    }
  }
}

/** Parses a pattern again only if it differs from that of the last record. */
const compileLike = (): ((text: string, pattern: string, escape: string | undefined) => boolean) => {
  let last: { readonly pattern: string; readonly escape: string | undefined } | undefined
  let matches: (text: string) => boolean = () => false
  return (text, pattern, escape) => {
    if (last?.pattern !== pattern || last.escape !== escape) {
      matches = likeMatcher(pattern, escape)
      last = { pattern, escape }
    }
    return matches(text)
  }
}

const textual = (value: Value): string =>
  typeof value === 'object' ? fail('ComparisonFailed', 'The operands of LIKE must be text.') : textOf(value)

/** Three-valued logic: `AND` is decided by false, `OR` by true; otherwise unknown if one operand is. */
const logical =
  (deciding: boolean, operands: ReadonlyArray<Evaluate>): Evaluate =>
  (row) => {
    let unknown = false
    for (const operand of operands) {
      const value = toTruth(operand(row))
      if (value === deciding) return deciding
      if (value === null) unknown = true
    }
    return unknown ? null : !deciding
  }

/** The first operand of date functions is a unit such as `day`, which the parser reads as a column. */
const withUnit = (name: string, operands: ReadonlyArray<Expression>): ReadonlyArray<Expression> => {
  const [first, ...rest] = operands
  const step = first?._tag === 'Path' && first.steps.length === 1 ? first.steps[0] : undefined
  return (name === 'date_add' || name === 'date_diff') && step !== undefined && 'name' in step
    ? [{ _tag: 'Literal', value: step.name }, ...rest]
    : operands
}

export const compile =
  (context: CompileContext) =>
  (expression: Expression): Evaluate => {
    const inner = compile(context)
    switch (expression._tag) {
      case 'Literal': {
        const { value } = expression
        return () => value
      }
      case 'Path':
        return lookUp(expression.steps)
      case 'And':
        return logical(false, expression.operands.map(inner))
      case 'Or':
        return logical(true, expression.operands.map(inner))
      case 'Not': {
        const operand = inner(expression.operand)
        return (row) => {
          const value = toTruth(operand(row))
          return value === null ? null : !value
        }
      }
      case 'Negate': {
        const operand = inner(expression.operand)
        return (row) => calculate('-', 0n, operand(row))
      }
      case 'IsNull': {
        const operand = inner(expression.operand)
        return (row) => isAbsent(operand(row))
      }
      case 'Compare': {
        const [left, right] = [inner(expression.left), inner(expression.right)]
        return (row) => compare(expression.operator, left(row), right(row))
      }
      case 'Arithmetic': {
        const [left, right] = [inner(expression.left), inner(expression.right)]
        return (row) => calculate(expression.operator, left(row), right(row))
      }
      case 'Concat': {
        const [left, right] = [inner(expression.left), inner(expression.right)]
        return (row) => {
          const [a, b] = [left(row), right(row)]
          return isAbsent(a) || isAbsent(b) ? null : textOf(a) + textOf(b)
        }
      }
      case 'Like': {
        const [subject, pattern] = [inner(expression.subject), inner(expression.pattern)]
        const escape = expression.escape && inner(expression.escape)
        const matches = compileLike()
        return (row) => {
          const [a, b, c] = [subject(row), pattern(row), escape?.(row)]
          if (isAbsent(a) || isAbsent(b) || c === null) return null
          return matches(textual(a), textual(b), c === undefined ? undefined : textual(c))
        }
      }
      case 'In': {
        const equal = expression.items.map((item): Expression => ({
          _tag: 'Compare',
          operator: '=',
          left: expression.subject,
          right: item
        }))
        return inner({ _tag: 'Or', operands: equal })
      }
      case 'Between': {
        const { subject, low, high } = expression
        return inner({
          _tag: 'And',
          operands: [
            { _tag: 'Compare', operator: '>=', left: subject, right: low },
            { _tag: 'Compare', operator: '<=', left: subject, right: high }
          ]
        })
      }
      case 'Cast': {
        const operand = inner(expression.operand)
        return (row) => cast(expression.target, operand(row))
      }
      case 'Case': {
        const branches = expression.branches.map(({ when, then }) => [inner(when), inner(then)] as const)
        const otherwise = inner(expression.otherwise)
        return (row) => {
          const [, then = otherwise] = branches.find(([when]) => isTrue(when(row))) ?? []
          return then(row)
        }
      }
      case 'Coalesce': {
        const operands = expression.operands.map(inner)
        return (row) => {
          for (const operand of operands) {
            const value = operand(row)
            if (!isAbsent(value)) return value
          }
          return null
        }
      }
      case 'NullIf': {
        const [left, right] = [inner(expression.left), inner(expression.right)]
        return (row) => {
          const value = left(row)
          return compare('=', value, right(row)) === true ? null : value
        }
      }
      case 'Call': {
        const operands = withUnit(expression.name, expression.operands).map(inner)
        const call = bindFunction(expression.name, context)
        return (row) => call(operands.map((operand) => operand(row)))
      }
      case 'Aggregate': {
        const { add, result } = compileAggregate(
          expression.name,
          expression.operand && inner(expression.operand)
        )
        context.onAggregate({ add })
        return result
      }
    }
  }
