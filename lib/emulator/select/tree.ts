/** PostgreSQL's tree of an expression, as far as Select's SQL reaches; the rest is refused by its name. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { A_Const, A_Expr, ColumnRef, FuncCall, Node, TypeName } from 'libpg-query'
import type {
  AggregateName,
  Arithmetic,
  Comparison,
  Expression,
  FromStep,
  Step,
  Target
} from './expression.js'
import { type CheckedTokens, readPath, type Token } from './tokens.js'

/** What names mean in a query. */
export interface Scope {
  readonly tokens: ReadonlyArray<Token>
  readonly from: ReadonlyArray<FromStep>
  /** The parser's, its letters folded. */
  readonly alias: string | undefined
}

/** An expression, and what its column is called where nothing else is said. */
export interface ConvertedQuery {
  readonly expression: Expression
  readonly spelled?: string
}

// No query that a person wrote goes deeper; the evaluators call one another.
const maxDepth = 200

const unsupported = (what: string): CheckedTokens<never> => E.left(`${what} is not supported`)

const textIn = (nodes: ReadonlyArray<Node> = []): string =>
  nodes.map((node) => ('String' in node ? (node.String.sval ?? '') : '?')).join('.')

// -- constants --
const constant = ({ ival, fval, sval, boolval, isnull, bsval }: A_Const): CheckedTokens<ConvertedQuery> => {
  const literal = (value: Extract<Expression, { _tag: 'Literal' }>['value']): CheckedTokens<ConvertedQuery> =>
    E.right({ expression: { _tag: 'Literal', value } })
  if (isnull === true) return literal(null)
  if (sval !== undefined) return literal(sval.sval ?? '')
  if (boolval !== undefined) return literal(boolval.boolval ?? false)
  // What is 0 is left out of the tree.
  if (ival !== undefined) return literal(BigInt(ival.ival ?? 0))
  if (fval === undefined || bsval !== undefined) return unsupported('such a constant')
  const text = (fval.fval ?? '').replaceAll('_', '')
  if (!/^\d+$/.test(text)) return literal(Number(text))
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? literal(BigInt(text)) : literal(Number(text))
}

// -- columns --
const isCalled = (step: Step | undefined, name: string): boolean =>
  step !== undefined && 'name' in step && step.name.toLowerCase() === name.toLowerCase()

/** What records can be called by, without an alias: the last name of the path they come from, or the table's. */
const callName = ({ alias, from }: Scope): string => {
  if (alias !== undefined) return alias
  const last = from.at(-1)
  if (last === undefined) return 'COSObject'
  return 'name' in last ? last.name : '_1'
}

/** A column and the steps behind it, all of which stand in one row of tokens; `(s.a).b` does not. */
const column = (
  scope: Scope,
  { fields = [], location = 0 }: ColumnRef,
  behind: number
): CheckedTokens<ConvertedQuery> => {
  const path = readPath(scope.tokens, location)
  const isWhole = path?.steps.length === fields.length + behind && fields.every((field) => 'String' in field)
  if (path === undefined || !isWhole) return unsupported('such a column')
  const steps = isCalled(path.steps[0], callName(scope)) ? path.steps.slice(1) : path.steps
  return E.right({ expression: { _tag: 'Path', steps }, spelled: path.last })
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

/** By the parser's names, how many operands each takes. */
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

const operator = ({ node }: Walk, sign: string, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> => {
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

const like = ({ node }: Walk, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> => {
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

const between = ({ node }: Walk, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> => {
  const [low, high] = itemsOf(rexpr)
  return pipe(
    E.Do,
    E.apS('subject', node(lexpr)),
    E.apS('low', node(low)),
    E.apS('high', node(high)),
    E.map((parts): Expression => ({ _tag: 'Between', ...parts }))
  )
}

const within = ({ node, nodes }: Walk, { lexpr, rexpr }: A_Expr): CheckedTokens<Expression> =>
  pipe(
    E.Do,
    E.apS('subject', node(lexpr)),
    E.apS('items', nodes(itemsOf(rexpr))),
    E.map((parts): Expression => ({ _tag: 'In', ...parts }))
  )

const signed = (walk: Walk, expression: A_Expr): CheckedTokens<Expression> => {
  const sign = textIn(expression.name)
  const { kind } = expression
  switch (kind) {
    case 'AEXPR_OP':
      return operator(walk, sign, expression)
    case 'AEXPR_LIKE':
      return E.map((found: Expression) => (sign === '!~~' ? not(found) : found))(like(walk, expression))
    case 'AEXPR_IN':
      return E.map((found: Expression) => (sign === '<>' ? not(found) : found))(within(walk, expression))
    case 'AEXPR_BETWEEN':
      return between(walk, expression)
    case 'AEXPR_NOT_BETWEEN':
      return E.map(not)(between(walk, expression))
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
const call = ({ nodes }: Walk, found: FuncCall): CheckedTokens<Expression> => {
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

const cases = (
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
const bare = E.map((expression: Expression): ConvertedQuery => ({ expression }))

const convert = (scope: Scope, found: Node | undefined, depth: number): CheckedTokens<ConvertedQuery> => {
  if (found === undefined) return E.left('something is missing')
  if (depth > maxDepth) return E.left(`nested more than ${String(maxDepth)} deep`)
  const node = (inner: Node | undefined): CheckedTokens<Expression> =>
    E.map(({ expression }: ConvertedQuery) => expression)(convert(scope, inner, depth + 1))
  const walk: Walk = { node, nodes: (inner) => E.traverseArray(node)(inner) }

  if ('A_Const' in found) return constant(found.A_Const)
  if ('ColumnRef' in found) return column(scope, found.ColumnRef, 0)
  if ('A_Indirection' in found) {
    const { arg, indirection = [] } = found.A_Indirection
    return arg !== undefined && 'ColumnRef' in arg
      ? column(scope, arg.ColumnRef, indirection.length)
      : unsupported('such a path')
  }
  if ('A_Expr' in found) return bare(signed(walk, found.A_Expr))
  if ('BoolExpr' in found) {
    const { boolop, args = [] } = found.BoolExpr
    return bare(
      E.map((operands: ReadonlyArray<Expression>): Expression => {
        const [operand = { _tag: 'Literal', value: null }] = operands
        if (boolop === 'NOT_EXPR') return not(operand)
        return { _tag: boolop === 'AND_EXPR' ? 'And' : 'Or', operands }
      })(walk.nodes(args))
    )
  }
  if ('NullTest' in found) {
    const { arg, nulltesttype } = found.NullTest
    return bare(
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
      E.map((parts): ConvertedQuery => ({ expression: { _tag: 'Cast', ...parts } }))
    )
  }
  if ('CaseExpr' in found) return bare(cases(walk, found.CaseExpr))
  if ('CoalesceExpr' in found)
    return bare(
      E.map((operands: ReadonlyArray<Expression>): Expression => ({ _tag: 'Coalesce', operands }))(
        walk.nodes(found.CoalesceExpr.args ?? [])
      )
    )
  if ('FuncCall' in found) return bare(call(walk, found.FuncCall))
  return unsupported(Object.keys(found)[0] ?? 'this')
}

export const convertTree =
  (scope: Scope) =>
  (node: Node | undefined): CheckedTokens<ConvertedQuery> =>
    convert(scope, node, 0)
