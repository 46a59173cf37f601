/** Parses SQL into a query with PostgreSQL's parser, the optional package libpg-query. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { tryTask } from '../../core/try-task.js'
import type { Node, ParseResult, ScanResult, SelectStmt } from 'libpg-query'
import { type Expression, operandsOf, type Query } from './expression.js'
import { convertTree, type Scope } from './tree.js'
import {
  fromIndex,
  checkText,
  checkTokens,
  type CheckedTokens,
  nameOf,
  takeFromPath,
  type Token
} from './tokens.js'

/** Parses a query; a message if the SQL is not valid. */
export type SqlReader = (sql: string) => CheckedTokens<Query>

export interface SqlLibrary {
  readonly loadModule: () => Promise<void>
  readonly parseSync: (sql: string) => ParseResult
  readonly scanSync: (sql: string) => ScanResult
}

const tryParse = <A>(parse: () => A): CheckedTokens<A> =>
  E.tryCatch(parse, (thrown) => {
    // Other errors come from inside the lexer, and their messages do not help a user.
    const isSqlError = thrown instanceof Error && thrown.name === 'SqlError'
    return isSqlError ? thrown.message : 'not SQL'
  })

// -- clauses --
const unsupportedClauses: ReadonlyArray<readonly [keyof SelectStmt, string]> = [
  ['distinctClause', 'DISTINCT'],
  ['intoClause', 'INTO'],
  ['groupClause', 'GROUP BY'],
  ['havingClause', 'HAVING'],
  ['windowClause', 'WINDOW'],
  ['valuesLists', 'VALUES'],
  ['sortClause', 'ORDER BY'],
  ['limitOffset', 'OFFSET'],
  ['lockingClause', 'FOR'],
  ['withClause', 'WITH'],
  ['larg', 'UNION']
]

const selectIn = ({ stmts = [] }: ParseResult): CheckedTokens<SelectStmt> => {
  const [only, ...more] = stmts
  const statement = only?.stmt
  if (statement === undefined || more.length > 0 || !('SelectStmt' in statement))
    return E.left('the SQL must be one SELECT')
  const select = statement.SelectStmt
  const found = unsupportedClauses.find(([clause]) => select[clause] !== undefined)
  return found === undefined ? E.right(select) : E.left(`${found[1]} is not supported`)
}

/** The alias of the table, if it has one. */
const aliasIn = ({ fromClause = [] }: SelectStmt): CheckedTokens<string | undefined> => {
  const [table, ...more] = fromClause
  if (table === undefined || more.length > 0 || !('RangeVar' in table))
    return E.left('FROM must name COSObject alone: joins and subqueries are not supported')
  const { relname, schemaname, catalogname, alias, inh } = table.RangeVar
  if (relname?.toLowerCase() !== 'cosobject' || schemaname !== undefined || catalogname !== undefined)
    return E.left('FROM must name COSObject; a path begins with COSObject[*]')
  return alias?.colnames !== undefined || inh !== true
    ? E.left('FROM must be COSObject [AS] alias')
    : E.right(alias?.aliasname)
}

const limitIn = ({ limitCount, limitOption }: SelectStmt): CheckedTokens<number | undefined> => {
  if (limitCount === undefined) return E.right(undefined)
  const constant = 'A_Const' in limitCount ? limitCount.A_Const : {}
  const count = constant.ival ? (constant.ival.ival ?? 0) : Number(constant.fval?.fval ?? NaN)
  return limitOption === 'LIMIT_OPTION_COUNT' && Number.isSafeInteger(count) && count >= 0
    ? E.right(count)
    : E.left('LIMIT must be an integer of at least 0')
}

// -- columns --
type Column = NonNullable<Query['columns']>[number]

const isStar = (node: Node | undefined): boolean =>
  node !== undefined &&
  'ColumnRef' in node &&
  (node.ColumnRef.fields ?? []).some((field) => 'A_Star' in field)

/** The alias of a column as written: the token after AS, or the last one before the comma or FROM. The parser folds case. */
const aliasBefore = (tokens: ReadonlyArray<Token>, end: number | undefined): string => {
  const limit = end ?? tokens[fromIndex(tokens)]?.start ?? 0
  const alias = tokens.filter(({ start, text }) => start < limit && text !== ',').at(-1)
  return alias === undefined ? '' : nameOf(alias).name
}

const columnsIn =
  (scope: Scope) =>
  ({ targetList = [] }: SelectStmt): CheckedTokens<Query['columns']> => {
    const targets = targetList.map((node) => ('ResTarget' in node ? node.ResTarget : {}))
    const [first] = targets
    if (first === undefined) return E.left('SELECT must name columns, or *')
    if (targets.length === 1 && first.name === undefined && isStar(first.val)) return E.right(undefined)
    const columns: Array<Column> = []
    for (const [at, { val, name }] of targets.entries()) {
      const read = convertTree(scope)(val)
      if (E.isLeft(read)) return read
      const { expression, name: defaultName = `_${String(at + 1)}` } = read.right
      const alias = name === undefined ? defaultName : aliasBefore(scope.tokens, targets[at + 1]?.location)
      columns.push({ name: alias, expression })
    }
    return E.right(columns)
  }

const whereIn =
  (scope: Scope) =>
  ({ whereClause }: SelectStmt): CheckedTokens<Expression | undefined> =>
    whereClause === undefined
      ? E.right(undefined)
      : E.map(({ expression }: { readonly expression: Expression }) => expression)(
          convertTree(scope)(whereClause)
        )

// -- aggregates --
const isAggregate = ({ _tag }: Expression): boolean => _tag === 'Aggregate'
const contains = (predicate: (expression: Expression) => boolean, expression: Expression): boolean =>
  predicate(expression) || operandsOf(expression).some((operand) => contains(predicate, operand))

/** Whether an expression uses a column outside an aggregate. */
const usesColumn = (expression: Expression): boolean =>
  expression._tag === 'Path' || (!isAggregate(expression) && operandsOf(expression).some(usesColumn))

const checkAggregates = (query: Omit<Query, 'aggregates'>): CheckedTokens<Query> => {
  const { columns = [], where } = query
  const expressions = columns.map(({ expression }) => expression)
  if (where !== undefined && contains(isAggregate, where))
    return E.left('WHERE must not contain an aggregate')
  const aggregates = expressions.some((expression) => contains(isAggregate, expression))
  const isNested = (expression: Expression): boolean =>
    isAggregate(expression) && operandsOf(expression).some((operand) => contains(isAggregate, operand))
  if (expressions.some((expression) => contains(isNested, expression)))
    return E.left('an aggregate must not contain an aggregate')
  return aggregates && expressions.some(usesColumn)
    ? E.left('a column must not stand beside an aggregate')
    : E.right({ ...query, aggregates })
}

// -- parser --
const parseSql =
  ({ parseSync, scanSync }: SqlLibrary): SqlReader =>
  (sql) =>
    pipe(
      checkText(sql),
      E.chain(() => tryParse(() => scanSync(sql))),
      E.chain(({ tokens }) => checkTokens(tokens)),
      E.bindTo('tokens'),
      E.bind('path', ({ tokens }) => takeFromPath(sql, tokens)),
      E.bind('select', ({ path }) => E.chain(selectIn)(tryParse(() => parseSync(path.sql)))),
      E.bind('alias', ({ select }) => aliasIn(select)),
      E.chain(({ tokens, path, select, alias }) => {
        const scope: Scope = { tokens, from: path.steps, alias }
        return pipe(
          E.Do,
          E.apS('columns', columnsIn(scope)(select)),
          E.apS('where', whereIn(scope)(select)),
          E.apS('limit', limitIn(select)),
          E.chain((parts) => checkAggregates({ ...parts, from: path.steps }))
        )
      })
    )

// An optional peer: see `loadCsvParse`.
const loadSqlParser = (): Promise<SqlLibrary> =>
  import(/* webpackIgnore: true */ 'libpg-query').catch((thrown: unknown) => {
    throw thrown
  })

/**
 * Loads libpg-query.
 *
 * @errors the error of `import()`, if libpg-query is not installed
 */
export const sqlReader = (
  load: () => Promise<SqlLibrary> = loadSqlParser
): TE.TaskEither<unknown, SqlReader> =>
  pipe(
    tryTask(load, (thrown) => thrown),
    TE.chainFirst((library) => tryTask(library.loadModule, (thrown) => thrown)),
    TE.map(parseSql)
  )
