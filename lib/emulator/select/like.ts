/** LIKE: `%` is any run of characters, `_` any one of them. */
import { fail } from './failure.js'

type Mark = string | { readonly any: 'one' | 'run' }

const one: Mark = { any: 'one' }
const run: Mark = { any: 'run' }
// A pattern of so many runs takes its time, and nobody else is served meanwhile.
const longest = 1024

const marksOf = (pattern: string, escape: string | undefined): ReadonlyArray<Mark> => {
  const characters = Array.from(pattern)
  if (characters.length > longest)
    fail('SQLParsingError', `A pattern of LIKE has at most ${String(longest)} characters here.`)
  const marks: Array<Mark> = []
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? ''
    if (character === escape) {
      at += 1
      const next = characters[at]
      marks.push(next ?? fail('SQLParsingError', 'A pattern of LIKE ends with its escape character.'))
    } else if (character !== '%') marks.push(character === '_' ? one : character)
    else if (marks.at(-1) !== run) marks.push(run)
  }
  return marks
}

/**
 * Goes back to the last run only, for an earlier one could do no better: a regular expression of many `%` would try
 * them all, for as long as the universe stands.
 */
const matches = (marks: ReadonlyArray<Mark>, text: ReadonlyArray<string>): boolean => {
  let [at, mark] = [0, 0]
  let runMark = -1
  let runAt = 0
  while (at < text.length) {
    const here = marks[mark]
    if (here === run) {
      runMark = mark
      runAt = at
      mark += 1
    } else if (here === one || (here !== undefined && here === text[at])) {
      at += 1
      mark += 1
    } else if (runMark >= 0) {
      runAt += 1
      at = runAt
      mark = runMark + 1
    } else return false
  }
  while (marks[mark] === run) mark += 1
  return mark === marks.length
}

/** Characters are code points. Without an escape character none is escaped. */
export const likeMatcher = (pattern: string, escape: string | undefined): ((text: string) => boolean) => {
  if (escape !== undefined && Array.from(escape).length !== 1)
    fail('SQLParsingError', 'An escape character of LIKE is one character.')
  const marks = marksOf(pattern, escape)
  return (text) => matches(marks, Array.from(text))
}
