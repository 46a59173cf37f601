/** SQL as tokens: its limits, what PostgreSQL's lexer takes and COS does not, and the path behind `COSObject`. */
import * as E from 'fp-ts/lib/Either.js'
import type { ScanToken } from 'libpg-query'
import type { FromStep, Step } from './expression.js'
import { KiB } from '../../core/limits.js'

/** Where a token stands, in bytes from the beginning, and what it says. */
export type Token = Pick<ScanToken, 'start' | 'end' | 'text' | 'tokenName' | 'keywordKind'>

/** In words, what is wrong with the SQL. */
export type CheckedTokens<A> = E.Either<string, A>

// The parser's own stack is not endless: 20,000 additions overflow it. S3 takes 256 KB; no one has written them.
const maxBytes = 64 * KiB
const maxTokens = 4000

// Its lexer takes a run of signs whole and then gives it back bit by bit: 60,000 of them take it seconds.
const signs = /[~!@#^&|`?+\-*/%<>=]{200}/

/** Refuses what the parser would choke on, before it sees it. */
export const checkText = (sql: string): CheckedTokens<string> => {
  if (Buffer.byteLength(sql) > maxBytes || sql.includes('\0'))
    return E.left(`SQL of at most ${String(maxBytes)} bytes is expected, without NUL`)
  return signs.test(sql) ? E.left('a run of 200 signs') : E.right(sql)
}

// Casts by `::`, parameters, and strings and names with escapes or of bits: PostgreSQL's alone.
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

/** As it was written: the parser itself folds letters, and cuts names after 63 bytes. */
export const nameOf = ({ text }: Pick<Token, 'text'>): { readonly name: string; readonly exact: boolean } =>
  isQuoted(text)
    ? { name: text.slice(1, -1).replaceAll('""', '"'), exact: true }
    : { name: text, exact: false }

// -- the path of FROM --
export interface FromPath {
  readonly steps: ReadonlyArray<FromStep>
  /** The SQL with blanks in its place, so that all else stays where it was. */
  readonly sql: string
}

/** What stands in brackets: a place, or a name. */
const elementOf = ({ text, tokenName }: Token): Step | undefined => {
  if (tokenName === 'SCONST') return { name: text.slice(1, -1).replaceAll("''", "'"), exact: true }
  return /^\d{1,9}$/.test(text) ? { index: Number(text) } : undefined
}

/** One step and the tokens it takes, at the front of these. */
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

/** Where the clause's own FROM stands; EXTRACT and its like have one in brackets. */
export const fromIndex = (tokens: ReadonlyArray<Token>): number => {
  let depth = 0
  return tokens.findIndex(({ text }) => {
    if (text === '(') depth += 1
    if (text === ')') depth -= 1
    return depth === 0 && text.toUpperCase() === 'FROM'
  })
}

/** Takes `[*].books[0]` out of `FROM COSObject[*].books[0] b`: PostgreSQL has no such tables. */
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
    return E.left('a path should be COSObject[*], and then .name, [0], [*] or .*')
  const bytes = Buffer.from(sql)
  bytes.fill(' ', tokens[begin].start, tokens[end - 1]?.end)
  return E.right({ steps: rest, sql: bytes.toString() })
}

// -- columns --
export interface PathText {
  readonly steps: ReadonlyArray<Step>
  /** The last name in it, as it was written. */
  readonly last: string
}

/** The steps of a column, from its first token on: `s.name[0]."Name"`. */
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
