/**
 * Reads a row of XML in the form that COS writes: elements without attributes, and text. The parser is for all other forms,
 * and for rows that a chunk cuts. It takes 12 us for an entry of a listing, this function 3 (Node 20).
 */
import { KiB } from './limits.js'
import type { Element } from './xml.js'

export interface ScannedRow {
  readonly row: Element
  /** The index after the row. */
  readonly end: number
}

interface Cursor {
  at: number
}

// In characters. The parser counts the memory of larger rows.
const longestRow = 64 * KiB
const maxDepth = 4

const plainName = /^[A-Za-z_][\w.-]*$/

// Text that the parser changes, or refuses.
const special = /[&\r\x85\u2028\]]/
const unreadable = /[\r\x85\u2028]|\]\]>|&(?!(?:quot|amp|lt|gt|apos);)/
const entities: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&apos;': "'"
}

const readText = (raw: string): string | undefined => {
  if (!special.test(raw)) return raw
  if (unreadable.test(raw)) return undefined
  return raw.replace(/&\w+;/g, (entity) => entities[entity] ?? entity)
}

const less = 0x3c
const greater = 0x3e
const slash = 0x2f

const scanElement = (xml: string, cursor: Cursor, depth: number): Element | undefined => {
  const nameStart = cursor.at + 1
  const tagEnd = xml.indexOf('>', nameStart)
  const isEmpty = xml.charCodeAt(tagEnd - 1) === slash
  const name = xml.slice(nameStart, isEmpty ? tagEnd - 1 : tagEnd)
  if (tagEnd < 0 || !plainName.test(name)) return undefined
  cursor.at = tagEnd + 1
  const children: Array<Element> = []
  let text = ''
  while (!isEmpty) {
    const start = cursor.at
    const next = xml.indexOf('<', start)
    if (next < 0) return undefined
    if (next > start) {
      const piece = readText(xml.slice(start, next))
      if (piece === undefined) return undefined
      text += piece
    }
    if (xml.charCodeAt(next + 1) === slash) {
      const end = next + 2 + name.length
      if (!xml.startsWith(name, next + 2) || xml.charCodeAt(end) !== greater) return undefined
      cursor.at = end + 1
      break
    }
    cursor.at = next
    const child = depth < maxDepth ? scanElement(xml, cursor, depth + 1) : undefined
    if (child === undefined) return undefined
    children.push(child)
  }
  return { name, text, children }
}

/**
 * Reads the row that starts at an index.
 *
 * @shape  `undefined` if the row has another form, or is not complete: the parser reads it, or reports its error
 */
export const scanRow = (xml: string, start: number): ScannedRow | undefined => {
  if (xml.charCodeAt(start) !== less) return undefined
  const cursor = { at: start }
  const row = scanElement(xml, cursor, 1)
  return row === undefined || cursor.at - start > longestRow ? undefined : { row, end: cursor.at }
}

/** The index of the first character from an index on that is not white space. */
export const skipSpace = (xml: string, start: number): number => {
  let at = start
  for (; at < xml.length; at += 1) {
    const code = xml.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x09 && code !== 0x0d) break
  }
  return at
}
