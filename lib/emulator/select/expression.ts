/** A parsed query as a value: the output of the parser, the input of the compiler. */
import type { AggregateName, Arithmetic, Comparison, FromStep, Step, Target, Value } from './types.js'

export type Expression =
  | { readonly _tag: 'Literal'; readonly value: Value }
  /** Without steps: the record itself. */
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
  /** Operand undefined: `COUNT(*)`. */
  | { readonly _tag: 'Aggregate'; readonly name: AggregateName; readonly operand: Expression | undefined }

export interface Query {
  /** Undefined: `SELECT *`. */
  readonly columns: ReadonlyArray<{ readonly name: string; readonly expression: Expression }> | undefined
  /** The path after `COSObject[*]`; empty if there is none. */
  readonly from: ReadonlyArray<FromStep>
  readonly where: Expression | undefined
  readonly limit: number | undefined
  /** Whether the columns are aggregates: the result is one row. */
  readonly aggregates: boolean
}

/** The direct operands of an expression. */
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
