/** Writes rows of the result as CSV or JSON. */
import { maxRecord } from '../../core/records.js'
import { fail } from './failure.js'
import type { CsvCharacters, Output } from './request.js'
import type { Value } from './types.js'
import { jsonOf, textOf } from './values.js'

export type Columns = ReadonlyArray<readonly [name: string, value: Value]>

const csvField = (
  { recordDelimiter, fieldDelimiter, quoteCharacter, quoteEscapeCharacter }: CsvCharacters,
  quoteAll: boolean
): ((text: string) => string) => {
  const special = [recordDelimiter, fieldDelimiter, quoteCharacter, quoteEscapeCharacter, '\n', '\r']
  // The escape character is escaped too; otherwise it would escape the character after it.
  const escaped = [...new Set([quoteCharacter, quoteEscapeCharacter])]
  return (text) => {
    if (!quoteAll && !special.some((mark) => text.includes(mark))) return text
    const inner = Array.from(text, (character) =>
      escaped.includes(character) ? quoteEscapeCharacter + character : character
    )
    return `${quoteCharacter}${inner.join('')}${quoteCharacter}`
  }
}

const csv = (output: Extract<Output, { _tag: 'Csv' }>): ((columns: Columns) => string) => {
  const field = csvField(output, output.quoteAll)
  return (columns) =>
    columns.map(([, value]) => field(textOf(value))).join(output.fieldDelimiter) + output.recordDelimiter
}

const json = ({ recordDelimiter }: Extract<Output, { _tag: 'Json' }>): ((columns: Columns) => string) => {
  return (columns) => {
    const members = columns.flatMap(([name, value]) => {
      const text = jsonOf(value)
      return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`]
    })
    return `{${members.join(',')}}${recordDelimiter}`
  }
}

/** @errors throws `OverMaxRecordSize` for a record of more than 1 MiB */
export const rowWriter = (output: Output): ((columns: Columns) => Buffer) => {
  const write = output._tag === 'Csv' ? csv(output) : json(output)
  return (columns) => {
    const bytes = Buffer.from(write(columns))
    return bytes.length > maxRecord
      ? fail('OverMaxRecordSize', 'The length of a result is greater than 1 MB.')
      : bytes
  }
}
