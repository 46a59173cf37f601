/** Converts PostgreSQL's tree of an expression. Syntax that Select lacks fails with its name. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { A_Const, A_Expr, ColumnRef, FuncCall, Node, TypeName } from 'libpg-query'
import type { Expression } from './expression.js'
import { type CheckedTokens, readPath, type Token } from './tokens.js'
import type { AggregateName, Arithmetic, Comparison, FromStep, Step, Target } from './types.js'

/** The meaning of names in a query. */
export interface Scope {
  readonly tokens: ReadonlyArray<Token>
  readonly from: ReadonlyArray<FromStep>
  /** As the parser returns it, with its case folded. */
  readonly alias: string | undefined
}

/** An expression, and the default name of its column. */
export interface ConvertedExpression {
  readonly expression: Expression
  readonly name?: string
}

// Evaluators are recursive. No query written by hand is nested this deeply.
const maxDepth = 200

const unsupported = (syntax: string): CheckedTokens<never> => E.left(`${syntax} is not supported`)

const textIn = (nodes: ReadonlyArray<Node> = []): string =>
  nodes.map((node) => ('String' in node ? (node.String.sval ?? '') : '?')).join('.')

// -- constants --
const convertConstant = ({
  ival,
  fval,
  sval,
  boolval,
  isnull,
  bsval
}: A_Const): CheckedTokens<ConvertedExpression> => {
  const literal = (
    value: Extract<Expression, { _tag: 'Literal' }>['value']
  ): CheckedTokens<ConvertedExpression> => E.right({ expression: { _tag: 'Literal', value } })
  if (isnull === true) return literal(null)
  if (sval !== undefined) return literal(sval.sval ?? '')
  if (boolval !== undefined) return literal(boolval.boolval ?? false)
  // The tree omits a value of 0.
  if (ival !== undefined) return literal(BigInt(ival.ival ?? 0))
  if (fval === undefined || bsval !== undefined) return unsupported('such a constant')
  const text = (fval.fval ?? '').replaceAll('_', '')
  if (!/^\d+$/.test(text)) return literal(Number(text))
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? literal(BigInt(text)) : literal(Number(text))
}

// -- columns --
const isNamed = (step: Step | undefined, name: string): boolean =>
  step !== undefined && 'name' in step && step.name.toLowerCase() === name.toLowerCase()

/** The name of the records: the alias, the last name of the path in FROM, or COSObject. */
const recordName = ({ alias, from }: Scope): string => {
  if (alias !== undefined) return alias
  const last = from.at(-1)
  if (last === undefined) return 'COSObject'
  return 'name' in last ? last.name : '_1'
}

/** A column with its `indirections` further steps. All must be consecutive tokens, as they are not in `(s.a).b`. */
const convertColumn = (
  scope: Scope,
  { fields = [], location = 0 }: ColumnRef,
  indirections: number
): CheckedTokens<ConvertedExpression> => {
  const path = readPath(scope.tokens, location)
  const isComplete =
    path?.steps.length === fields.length + indirections && fields.every((field) => 'String' in field)
  if (path === undefined || !isComplete) return unsupported('such a column')
  const steps = isNamed(path.steps[0], recordName(scope)) ? path.steps.slice(1) : path.steps
  return E.right({ expression: { _tag: 'Path', steps }, name: path.last })
}

// -- types --
const types: Readonly<Record<string, Target>> = {
  bool: { type: 'bool' },
  'pg_catalog.bool': { type: 'bool' },
  'pg_catalog.int4': { type: 'int' },
  'pg_catalog.float8': { type: 'float' },
  'pg_catalog.numeric': { type: 'decimal' },
  'pg_catalog.timestamp': { type: 'timestamp' },
  string: { type: 'string' }
}

const targetOf = ({ names, typmods = [], arrayBounds }: TypeName): CheckedTokens<Target> => {
  const name = textIn(names)
  const target = Object.hasOwn(types, name) ? types[name] : undefined
  if (target === undefined || arrayBounds !== undefined)
    return unsupported(`a CAST to ${name.replace('pg_catalog.', '')}`)
  const numbers = typmods.map((node) => ('A_Const' in node ? (node.A_Const.ival?.ival ?? 0) : NaN))
  if (numbers.length === 0) return E.right(target)
  const [precision = NaN, scale = 0] = numbers
  return target.type === 'decimal' && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision
    ? E.right({ ...target, scale })
    : unsupported('such a precision')
}

// -- operators --
const comparisons: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '<>': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>='
}
const arithmetics: Readonly<Record<string, Arithmetic>> = { '+': '+', '-': '-', '*': '*', '/': '/', '%': '%' }
const aggregateNames: Readonly<Record<string, AggregateName>> = {
  count: 'count',
  sum: 'sum',
  avg: 'avg',
  min: 'min',
  max: 'max'
}

/** The number of operands of each function, by the parser's name. */
const functions: Readonly<Record<string, readonly [least: number, most: number]>> = {
  char_length: [1, 1],
  character_length: [1, 1],
  lower: [1, 1],
  upper: [1, 1],
  substring: [2, 3],
  'pg_catalog.substring': [2, 3],
  'pg_catalog.btrim': [1, 2],
  'pg_catalog.ltrim': [1, 2],
  'pg_catalog.rtrim': [1, 2],
  'pg_catalog.extract': [2, 2],
  date_add: [3, 3],
  date_diff: [3, 3],
  to_string: [2, 2],
  to_timestamp: [1, 1],
  utcnow: [0, 0]
}

const not = (operand: Expression): Expression => ({ _tag: 'Not', operand })

interface Walk {
  readonly node: (node: Node | undefined) => CheckedTokens<Expression>
  readonly nodes: (nodes: ReadonlyArray<Node>) => CheckedTokens<ReadonlyArray<Expression>>
}

const itemsOf = (node: Node | undefined): ReadonlyArray<Node> =>
  node !== undefined && 'List' in node ? (node.List.items ?? []) : []

const convertOperator = (
  { node }: Walk,
  sign: string,
  { lexpr, rexpr }: A_Expr
): CheckedTokens<Expression> => {
  const [comparison, arithmetic] = [comparisons[sign], arithmetics[sign]]
  if (lexpr === undefined) {
    if (sign === '-')
      return E.map((operand: Expression): Expression => ({ _tag: 'Negate', operand }))(node(rexpr))
    return sign === '+' ? node(rexpr) : unsupported(sign)
  }
  return pipe(
    E.Do,
    E.apS('left', node(lexpr)),
    E.apS('right', node(rexpr)),
    E.chain(({ left, right }): CheckedTokens<Expression> => {
      if (comparison !== undefined) return E.right({ _tag: 'Compare', operator: comparison, left, right })
      if (arithmetic !== undefined) return E.right({ _tag: 'Arithmetic', operator: arithmetic, left, right })
      return sign === '||' ? E.right({ _tag: 'Concat', left, right }) : unsupported(`the operator ${sign}`)
    })
  )
}

const convertLike = ({ node }: Walk, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> => {
  const escaped = rexpr !== undefined && 'FuncCall' in rexpr ? rexpr.FuncCall : undefined
  const [pattern, escape] =
    textIn(escaped?.funcname) === 'pg_catalog.like_escape' ? (escaped?.args ?? []) : [rexpr]
  return pipe(
    E.Do,
    E.apS('subject', node(lexpr)),
    E.apS('pattern', node(pattern)),
    E.apS('escape', escape === undefined ? E.right(undefined) : node(escape)),
    E.map((parts): Expression => ({ _tag: 'Like', ...parts }))
  )
}

const convertBetween = ({ node }: Walk, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> => {
  const [low, high] = itemsOf(rexpr)
  return pipe(
    E.Do,
    E.apS('subject', node(lexpr)),
    E.apS('low', node(low)),
    E.apS('high', node(high)),
    E.map((parts): Expression => ({ _tag: 'Between', ...parts }))
  )
}

const convertIn = ({ node, nodes }: Walk, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> =>
  pipe(
    E.Do,
    E.apS('subject', node(lexpr)),
    E.apS('items', nodes(itemsOf(rexpr))),
    E.map((parts): Expression => ({ _tag: 'In', ...parts }))
  )

const convertOperation = (walk: Walk, expression: A_Expr): CheckedTokens<Expression> => {
  const sign = textIn(expression.name)
  const { kind } = expression
  switch (kind) {
    case 'AEXPR_OP':
      return convertOperator(walk, sign, expression)
    case 'AEXPR_LIKE':
      return E.map((found: Expression) => (sign === '!~~' ? not(found) : found))(
        convertLike(walk, expression)
      )
    case 'AEXPR_IN':
      return E.map((found: Expression) => (sign === '<>' ? not(found) : found))(convertIn(walk, expression))
    case 'AEXPR_BETWEEN':
      return convertBetween(walk, expression)
    case 'AEXPR_NOT_BETWEEN':
      return E.map(not)(convertBetween(walk, expression))
    case 'AEXPR_NULLIF':
      return pipe(
        E.Do,
        E.apS('left', walk.node(expression.lexpr)),
        E.apS('right', walk.node(expression.rexpr)),
        E.map((parts): Expression => ({ _tag: 'NullIf', ...parts }))
      )
    default:
      return unsupported(kind === undefined ? 'such an operator' : kind.replace('AEXPR_', ''))
  }
}

// -- functions --
const convertCall = ({ nodes }: Walk, found: FuncCall): CheckedTokens<Expression> => {
  const name = textIn(found.funcname)
  const { args = [], agg_star: star } = found
  if (found.agg_distinct ?? found.agg_order ?? found.agg_filter ?? found.over ?? found.func_variadic)
    return unsupported(`${name} in such a form`)
  const aggregate = Object.hasOwn(aggregateNames, name) ? aggregateNames[name] : undefined
  if (aggregate !== undefined) {
    if (star === true ? aggregate !== 'count' : args.length !== 1) return unsupported(`${name} of this`)
    return E.map(([operand]: ReadonlyArray<Expression>): Expression => ({
      _tag: 'Aggregate',
      name: aggregate,
      operand
    }))(nodes(args))
  }
  const arity = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (arity === undefined || star === true) return unsupported(`the function ${name}`)
  return args.length < arity[0] || args.length > arity[1]
    ? unsupported(`${name} of ${String(args.length)} values`)
    : E.map((operands: ReadonlyArray<Expression>): Expression => ({
        _tag: 'Call',
        name: name.replace('pg_catalog.', ''),
        operands
      }))(nodes(args))
}

const convertCase = (
  { node }: Walk,
  found: Extract<Node, { CaseExpr: unknown }>['CaseExpr']
): CheckedTokens<Expression> =>
  pipe(
    E.Do,
    E.apS('subject', found.arg === undefined ? E.right(undefined) : node(found.arg)),
    E.bind('branches', ({ subject }) =>
      E.traverseArray((branch: Node) => {
        const { expr, result } = 'CaseWhen' in branch ? branch.CaseWhen : {}
        return pipe(
          E.Do,
          E.apS('test', node(expr)),
          E.apS('then', node(result)),
          E.map(({ test, then }) => ({
            when:
              subject === undefined
                ? test
                : ({ _tag: 'Compare', operator: '=', left: subject, right: test } as const),
            then
          }))
        )
      })(found.args ?? [])
    ),
    E.bind('otherwise', () =>
      found.defresult === undefined
        ? E.right<string, Expression>({ _tag: 'Literal', value: null })
        : node(found.defresult)
    ),
    E.map(({ branches, otherwise }): Expression => ({ _tag: 'Case', branches, otherwise }))
  )

// -- the tree --
const withoutName = E.map((expression: Expression): ConvertedExpression => ({ expression }))

const convert = (
  scope: Scope,
  found: Node | undefined,
  depth: number
): CheckedTokens<ConvertedExpression> => {
  if (found === undefined) return E.left('an expression is missing')
  if (depth > maxDepth) return E.left(`nested more than ${String(maxDepth)} levels`)
  const node = (inner: Node | undefined): CheckedTokens<Expression> =>
    E.map(({ expression }: ConvertedExpression) => expression)(convert(scope, inner, depth + 1))
  const walk: Walk = { node, nodes: (inner) => E.traverseArray(node)(inner) }

  if ('A_Const' in found) return convertConstant(found.A_Const)
  if ('ColumnRef' in found) return convertColumn(scope, found.ColumnRef, 0)
  if ('A_Indirection' in found) {
    const { arg, indirection = [] } = found.A_Indirection
    return arg !== undefined && 'ColumnRef' in arg
      ? convertColumn(scope, arg.ColumnRef, indirection.length)
      : unsupported('such a path')
  }
  if ('A_Expr' in found) return withoutName(convertOperation(walk, found.A_Expr))
  if ('BoolExpr' in found) {
    const { boolop, args = [] } = found.BoolExpr
    return withoutName(
      E.map((operands: ReadonlyArray<Expression>): Expression => {
        const [operand = { _tag: 'Literal', value: null }] = operands
        if (boolop === 'NOT_EXPR') return not(operand)
        return { _tag: boolop === 'AND_EXPR' ? 'And' : 'Or', operands }
      })(walk.nodes(args))
    )
  }
  if ('NullTest' in found) {
    const { arg, nulltesttype } = found.NullTest
    return withoutName(
      E.map((operand: Expression): Expression => {
        const isNull: Expression = { _tag: 'IsNull', operand }
        return nulltesttype === 'IS_NOT_NULL' ? not(isNull) : isNull
      })(node(arg))
    )
  }
  if ('TypeCast' in found) {
    const { arg, typeName = {} } = found.TypeCast
    return pipe(
      E.Do,
      E.apS('operand', node(arg)),
      E.apS('target', targetOf(typeName)),
      E.map((parts): ConvertedExpression => ({ expression: { _tag: 'Cast', ...parts } }))
    )
  }
  if ('CaseExpr' in found) return withoutName(convertCase(walk, found.CaseExpr))
  if ('CoalesceExpr' in found)
    return withoutName(
      E.map((operands: ReadonlyArray<Expression>): Expression => ({ _tag: 'Coalesce', operands }))(
        walk.nodes(found.CoalesceExpr.args ?? [])
      )
    )
  if ('FuncCall' in found) return withoutName(convertCall(walk, found.FuncCall))
  return unsupported(Object.keys(found)[0] ?? 'this')
}

export const convertTree =
  (scope: Scope) =>
  (node: Node | undefined): CheckedTokens<ConvertedExpression> =>
    convert(scope, node, 0)
