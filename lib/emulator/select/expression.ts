/** A query as a value: what the parser makes of SQL, and the compiler of it. */
import type { Value } from './values.js'

/** One step into a record: a member by its name, or an element by its place, from 0. */
export type Step =
  /** Exact where it was quoted; in any case of letters where it was not. */
  { readonly name: string; readonly exact: boolean } | { readonly index: number }

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='
export type Arithmetic = '+' | '-' | '*' | '/' | '%'
export type AggregateName = 'count' | 'sum' | 'avg' | 'min' | 'max'

/** What a CAST makes. */
export type Target =
  | { readonly type: 'bool' | 'int' | 'float' | 'string' | 'timestamp' }
  /** Digits behind the point; as many as there are, where it is absent. */
  | { readonly type: 'decimal'; readonly scale?: number }

export type Expression =
  | { readonly _tag: 'Literal'; readonly value: Value }
  /** No steps: the record itself. */
  | { readonly _tag: 'Path'; readonly steps: ReadonlyArray<Step> }
  | { readonly _tag: 'And' | 'Or'; readonly operands: ReadonlyArray<Expression> }
  | { readonly _tag: 'Not' | 'Negate' | 'IsNull'; readonly operand: Expression }
  | {
      readonly _tag: 'Compare'
      readonly operator: Comparison
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly _tag: 'Arithmetic'
      readonly operator: Arithmetic
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly _tag: 'Concat'; readonly left: Expression; readonly right: Expression }
  | {
      readonly _tag: 'Like'
      readonly subject: Expression
      readonly pattern: Expression
      readonly escape: Expression | undefined
    }
  | { readonly _tag: 'In'; readonly subject: Expression; readonly items: ReadonlyArray<Expression> }
  | {
      readonly _tag: 'Between'
      readonly subject: Expression
      readonly low: Expression
      readonly high: Expression
    }
  | { readonly _tag: 'Cast'; readonly operand: Expression; readonly target: Target }
  | {
      readonly _tag: 'Case'
      readonly branches: ReadonlyArray<{ readonly when: Expression; readonly then: Expression }>
      readonly otherwise: Expression
    }
  | { readonly _tag: 'Coalesce'; readonly operands: ReadonlyArray<Expression> }
  | { readonly _tag: 'NullIf'; readonly left: Expression; readonly right: Expression }
  | { readonly _tag: 'Call'; readonly name: string; readonly operands: ReadonlyArray<Expression> }
  /** Without an operand: `COUNT(*)`. */
  | { readonly _tag: 'Aggregate'; readonly name: AggregateName; readonly operand: Expression | undefined }

/** How records are found in a JSON value. */
export type FromStep = Step | { readonly every: 'element' | 'member' }

export interface Query {
  /** None: `SELECT *`. */
  readonly columns: ReadonlyArray<{ readonly name: string; readonly expression: Expression }> | undefined
  /** Behind `COSObject[*]`; none where that is not there. */
  readonly from: ReadonlyArray<FromStep>
  readonly where: Expression | undefined
  readonly limit: number | undefined
  /** Whether its columns are about all records at once. */
  readonly aggregates: boolean
}

/** The expressions that one is made of. */
export const operandsOf = (expression: Expression): ReadonlyArray<Expression> => {
  switch (expression._tag) {
    case 'Literal':
    case 'Path':
      return []
    case 'Not':
    case 'Negate':
    case 'IsNull':
    case 'Cast':
      return [expression.operand]
    case 'And':
    case 'Or':
    case 'Coalesce':
    case 'Call':
      return expression.operands
    case 'Compare':
    case 'Arithmetic':
    case 'Concat':
    case 'NullIf':
      return [expression.left, expression.right]
    case 'Like':
      return [expression.subject, expression.pattern, ...(expression.escape ? [expression.escape] : [])]
    case 'In':
      return [expression.subject, ...expression.items]
    case 'Between':
      return [expression.subject, expression.low, expression.high]
    case 'Case':
      return [...expression.branches.flatMap(({ when, then }) => [when, then]), expression.otherwise]
    case 'Aggregate':
      return expression.operand === undefined ? [] : [expression.operand]
  }
}
