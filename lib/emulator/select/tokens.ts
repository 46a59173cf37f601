/** SQL as tokens: size limits, PostgreSQL syntax that COS rejects, and the path after `COSObject`. */
import * as E from 'fp-ts/lib/Either.js'
import type { ScanToken } from 'libpg-query'
import type { FromStep, Step } from './types.js'
import { KiB } from '../../core/limits.js'

/** A token's text and its position, in bytes. */
export type Token = Pick<ScanToken, 'start' | 'end' | 'text' | 'tokenName' | 'keywordKind'>

/** A value, or the problem of the SQL as text. */
export type CheckedTokens<A> = E.Either<string, A>

// 20,000 additions overflow the parser's stack. S3 accepts 256 KB, far more than any real query.
const maxBytes = 64 * KiB
const maxTokens = 4000

// The lexer matches a run of operator signs whole and then backtracks one by one: 60,000 of them take it seconds.
const signs = /[~!@#^&|`?+\-*/%<>=]{200}/

/** Rejects text that the parser cannot handle. */
export const checkText = (sql: string): CheckedTokens<string> => {
  if (Buffer.byteLength(sql) > maxBytes || sql.includes('\0'))
    return E.left(`the SQL must have at most ${String(maxBytes)} bytes, without NUL`)
  return signs.test(sql) ? E.left('a run of 200 signs') : E.right(sql)
}

// PostgreSQL syntax that COS lacks: casts by `::`, parameters, and prefixed strings and names such as E'' and B''.
const foreign = /^(?:::|:=|=>|\$|(?:[ebnx]|u&)['"])/i

const isComment = ({ tokenName }: Token): boolean => tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT'

export const checkTokens = (all: ReadonlyArray<Token>): CheckedTokens<ReadonlyArray<Token>> => {
  const tokens = all.filter((token) => !isComment(token))
  if (tokens.length > maxTokens) return E.left(`more than ${String(maxTokens)} words and signs`)
  const wrong = tokens.find(({ text }) => foreign.test(text))
  return wrong === undefined ? E.right(tokens) : E.left(`unexpected ${wrong.text.slice(0, 40)}`)
}

// -- names --
const isQuoted = (text: string): boolean => text.startsWith('"')

/** A name, or a keyword that is used as one. */
const isName = ({ tokenName, keywordKind }: Token): boolean => tokenName === 'IDENT' || keywordKind !== 0

/** A name as written. The parser folds its case and truncates it to 63 bytes. */
export const nameOf = ({ text }: Pick<Token, 'text'>): { readonly name: string; readonly exact: boolean } =>
  isQuoted(text)
    ? { name: text.slice(1, -1).replaceAll('""', '"'), exact: true }
    : { name: text, exact: false }

// -- the path of FROM --
export interface FromPath {
  readonly steps: ReadonlyArray<FromStep>
  /** The SQL with the path replaced by blanks, so that all positions stay the same. */
  readonly sql: string
}

/** The content of brackets: an index, or a name. */
const elementOf = ({ text, tokenName }: Token): Step | undefined => {
  if (tokenName === 'SCONST') return { name: text.slice(1, -1).replaceAll("''", "'"), exact: true }
  return /^\d{1,9}$/.test(text) ? { index: Number(text) } : undefined
}

/** The first step of the tokens, and its number of tokens. */
const stepAt = (tokens: ReadonlyArray<Token>): readonly [FromStep, number] | undefined => {
  const [first, second, third] = tokens
  if (first?.text === '.' && second !== undefined) {
    if (second.text === '*') return [{ every: 'member' }, 2]
    return isName(second) ? [nameOf(second), 2] : undefined
  }
  if (first?.text !== '[' || second === undefined || third?.text !== ']') return undefined
  if (second.text === '*') return [{ every: 'element' }, 3]
  const step = elementOf(second)
  return step && [step, 3]
}

/** The index of the FROM clause. EXTRACT, TRIM and SUBSTRING have a FROM in parentheses. */
export const fromIndex = (tokens: ReadonlyArray<Token>): number => {
  let depth = 0
  return tokens.findIndex(({ text }) => {
    if (text === '(') depth += 1
    if (text === ')') depth -= 1
    return depth === 0 && text.toUpperCase() === 'FROM'
  })
}

/** Removes `[*].books[0]` from `FROM COSObject[*].books[0] b`, which PostgreSQL's grammar does not have. */
export const takeFromPath = (sql: string, tokens: ReadonlyArray<Token>): CheckedTokens<FromPath> => {
  const from = fromIndex(tokens)
  if (from < 0) return E.left('FROM is missing')
  const begin = from + 2
  if (tokens[begin]?.text !== '[') return E.right({ steps: [], sql })
  const steps: Array<FromStep> = []
  let end = begin
  for (;;) {
    const found = stepAt(tokens.slice(end, end + 3))
    if (found === undefined) break
    steps.push(found[0])
    end += found[1]
  }
  const [first, ...rest] = steps
  if (first === undefined || !('every' in first) || first.every !== 'element' || tokens[end]?.text === '[')
    return E.left('a path must be COSObject[*], followed by .name, [0], [*] or .*')
  const bytes = Buffer.from(sql)
  bytes.fill(' ', tokens[begin].start, tokens[end - 1]?.end)
  return E.right({ steps: rest, sql: bytes.toString() })
}

// -- columns --
export interface PathText {
  readonly steps: ReadonlyArray<Step>
  /** The last name of the path, as written. */
  readonly last: string
}

/** The steps of a column such as `s.name[0]."Name"`; `location` is that of its first token. */
export const readPath = (tokens: ReadonlyArray<Token>, location: number): PathText | undefined => {
  const first = tokens.findIndex(({ start }) => start === location)
  const head = tokens[first]
  if (head === undefined || !isName(head)) return undefined
  const steps: Array<Step> = [nameOf(head)]
  for (let at = first + 1; ;) {
    const [mark, step, end] = tokens.slice(at, at + 3)
    if (mark?.text === '.' && step !== undefined && isName(step)) {
      steps.push(nameOf(step))
      at += 2
    } else if (mark?.text === '[') {
      const index = step && end?.text === ']' ? elementOf(step) : undefined
      if (index === undefined) return undefined
      steps.push(index)
      at += 3
    } else break
  }
  const last = steps.flatMap((step) => ('name' in step ? [step.name] : [])).at(-1) ?? ''
  return { steps, last }
}
