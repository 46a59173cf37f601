/** LIKE: `%` matches any number of characters, `_` matches one. */
import { fail } from './failure.js'

type Mark = string | { readonly any: 'one' | 'run' }

const one: Mark = { any: 'one' }
const run: Mark = { any: 'run' }
// A longer pattern of many `%` could block the event loop.
const maxPattern = 1024

const marksOf = (pattern: string, escape: string | undefined): ReadonlyArray<Mark> => {
  const characters = Array.from(pattern)
  if (characters.length > maxPattern)
    fail('SQLParsingError', `A LIKE pattern must have at most ${String(maxPattern)} characters.`)
  const marks: Array<Mark> = []
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? ''
    if (character === escape) {
      at += 1
      const next = characters[at]
      marks.push(next ?? fail('SQLParsingError', 'A LIKE pattern must not end with its escape character.'))
    } else if (character !== '%') marks.push(character === '_' ? one : character)
    else if (marks.at(-1) !== run) marks.push(run)
  }
  return marks
}

/**
 * Backtracks to the last `%` only, because an earlier one cannot lead to another result. A regular expression made of
 * many `%` would try all combinations, in exponential time.
 */
const matches = (marks: ReadonlyArray<Mark>, text: ReadonlyArray<string>): boolean => {
  let [at, mark] = [0, 0]
  let runMark = -1
  let runAt = 0
  while (at < text.length) {
    const current = marks[mark]
    if (current === run) {
      runMark = mark
      runAt = at
      mark += 1
    } else if (current === one || (current !== undefined && current === text[at])) {
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

/** Characters are code points. `escape` undefined: there is no escape character. */
export const likeMatcher = (pattern: string, escape: string | undefined): ((text: string) => boolean) => {
  if (escape !== undefined && Array.from(escape).length !== 1)
    fail('SQLParsingError', 'The escape of LIKE must be one character.')
  const marks = marksOf(pattern, escape)
  return (text) => matches(marks, Array.from(text))
}
