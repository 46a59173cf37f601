/**
 * Reads and writes COS's XML. Reading is a fold: it takes chunks of bytes and returns the children of the root that they
 * complete. So a page of a thousand entries is never held in memory, and a spec can split it at any byte.
 */
import { isAscii } from 'node:buffer'
import * as E from 'fp-ts/lib/Either.js'
import { SaxesParser } from 'saxes'
import type { Element } from './element.js'
import { MiB } from './limits.js'
import { rowScanner, skipSpace, type RowScanner } from './scan-row.js'

// The start tag of a row, perhaps cut at the end of a chunk after its name.
const rowStart = /^<([A-Za-z_][\w.-]*)[\s/>]/

export type XmlEvent =
  | { readonly _tag: 'Root'; readonly name: string }
  /** A complete child of the root. */
  | { readonly _tag: 'Row'; readonly row: Element }

/**
 * A fold over chunks. `Left` is the description of an error; the fold ends with it. Values that are complete before the
 * error are returned first, so that the boundaries of the chunks do not change the result.
 */
export interface XmlFold<I, O> {
  readonly step: (chunk: I) => E.Either<string, ReadonlyArray<O>>
  /** Ends the input. `Left` if it is incomplete. */
  readonly finish: () => E.Either<string, ReadonlyArray<O>>
}

// The largest real responses (a thousand entries, ten thousand parts) have rows of about 2 KB, 3 levels deep.
const maxRow = MiB
const maxDepth = 16
// Of `>` that may open the root or end a row: not for ever, in a document of nothing else.
const longestSearch = 64
// The memory of an element without its text, in characters, so that a row of a million empty elements is refused too.
const elementCost = 64

/**
 * Decodes chunks of UTF-8, which may cut a character. Throws a `TypeError` for other bytes.
 *
 * A chunk of ASCII, such as a listing with percent-encoded keys, takes a tenth of the decoder's time, and becomes a string of
 * one byte a character, which is faster to search.
 */
const textReader = (): ((chunk?: Uint8Array) => string) => {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let cutsCharacter = false
  return (chunk) => {
    if (chunk === undefined) return utf8.decode()
    if (!cutsCharacter && isAscii(chunk))
      return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    if (chunk.length === 0) return ''
    cutsCharacter = (chunk.at(-1) ?? 0) > 0x7f
    return utf8.decode(chunk, { stream: true })
  }
}

interface Open {
  readonly name: string
  text: string
  readonly children: Array<Element>
}

/** The errors of `finish` for an empty body, and for a document that ends too early. */
export const emptyDocument = 'the body has no XML document'
export const incompleteDocument = 'the XML document is incomplete'

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/**
 * Starts reading a document.
 *
 * White space and a byte order mark before the declaration are dropped: COS sends white space to keep the connection of
 * a slow completion alive. A document type is refused because it could define entities. Control characters are accepted,
 * though XML 1.0 forbids them: COS writes keys with control characters unescaped in responses that have no
 * `encoding-type`, and a completion that succeeded must not fail because of its key.
 *
 * @shape  `step(bytes)` -> the events that those bytes completed: the root once, then each of its children
 * @units  a row holds at most 1 Mi characters, 16 levels deep
 * @errors `Left` of a text: not UTF-8, not well-formed, more than one root, too large, or incomplete
 */
export const xmlReader = (): XmlFold<Uint8Array, XmlEvent> => {
  const readText = textReader()
  const parser = new SaxesParser({ xmlns: false, position: false })
  const open: Array<Open> = []
  let events: Array<XmlEvent> = []
  let problem: string | undefined
  let hasStarted = false
  let hasEnded = false
  /** The start and end tags so far. */
  let tags = 0
  /** Whether the parser is between two rows, with no part of a tag or a text. */
  let isBetweenRows = false
  /** The end tag of the row that the parser reads, if it is known. */
  let rowEnd: string | undefined
  let tagsLeft = longestSearch
  let rowEnded = false
  let rowSize = 0
  // Characters since the parser's last event: the parser holds a text, a tag or a comment until it is complete.
  let held = 0

  const fail = (message: string): void => {
    problem ??= message
  }
  const tooLarge = 'an XML element of more than 1 Mi characters'
  const grow = (characters: number): void => {
    rowSize += characters
    if (rowSize > maxRow) fail(tooLarge)
  }
  const addText = (text: string): void => {
    held = 0
    const top = open.at(-1)
    // Text directly in the root is white space between rows, or text that no decoder reads.
    if (top === undefined || open.length === 1) return
    grow(text.length)
    if (problem === undefined) top.text += text
  }
  parser.on('error', (error) => {
    // saxes closes the elements that an end tag leaves open, and reports the error afterwards: that row is not complete.
    if (error.message === 'unexpected close tag.' && rowEnded) events.pop()
    if (error.message !== 'disallowed character.') fail(`not well-formed XML: ${error.message}`)
  })
  parser.on('doctype', () => {
    fail('an XML document type (COS never sends one)')
  })
  parser.on('opentag', (tag) => {
    held = 0
    const name = localName(tag.name)
    if (open.length === 1) rowSize = 0
    grow(name.length + elementCost)
    if (open.length >= maxDepth) fail('XML elements nested more than 16 levels deep')
    // saxes continues after an error, to the end of the chunk.
    if (problem !== undefined) return
    tags += 1
    if (open.length === 0) events.push({ _tag: 'Root', name })
    open.push({ name, text: '', children: [] })
  })
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    held = 0
    tags += 1
    rowEnded = false
    if (problem !== undefined) return
    const closed = open.pop()
    const parent = open.at(-1)
    if (closed === undefined) return
    if (parent === undefined) hasEnded = true
    else if (open.length > 1) parent.children.push(closed)
    else {
      rowEnded = true
      events.push({ _tag: 'Row', row: closed })
    }
  })

  const feed = (xml: string): void => {
    held += xml.length
    parser.write(xml)
    if (held > maxRow) fail(tooLarge)
  }
  /** Parses up to the next `>` that may open the root or end a row, or to the end. Returns the index after it. */
  const parse = (xml: string, at: number): number => {
    const mark = rowEnd ?? (tagsLeft > 0 ? '>' : undefined)
    tagsLeft -= 1
    const found = mark === undefined ? -1 : xml.indexOf(mark, at)
    if (mark === undefined || found < 0) {
      feed(at === 0 ? xml : xml.slice(at))
      return xml.length
    }
    const last = found + mark.length - 1
    if (last > at) feed(xml.slice(at, last))
    // The `>` by itself: a `>` in a comment ends nothing.
    const before = tags
    feed('>')
    if (tags > before && open.length === 1) {
      isBetweenRows = true
      tagsLeft = longestSearch
    }
    return last + 1
  }
  /** Reads the next row without the parser if possible. The parser sees no difference: a row is between two tags. */
  const scan = (xml: string, rows: RowScanner, start: number): number => {
    const at = skipSpace(xml, start)
    const scanned = rows.scan(at)
    if (scanned === undefined) {
      const [, name] = rowStart.exec(xml.slice(at, at + 64)) ?? []
      isBetweenRows = at === xml.length
      rowEnd = name === undefined ? undefined : `</${name}>`
      return at
    }
    held = 0
    rowEnded = false
    events.push({ _tag: 'Row', row: scanned.row })
    return scanned.end
  }
  const write = (text: string): void => {
    const xml = hasStarted ? text : text.replace(/^[ \t\r\n\uFEFF]+/, '')
    if (xml === '') return
    hasStarted = true
    const rows = rowScanner(xml)
    for (let at = 0; at < xml.length && problem === undefined;) {
      at = isBetweenRows ? scan(xml, rows, at) : parse(xml, at)
    }
  }
  const attempt = (work: () => void): E.Either<string, ReadonlyArray<XmlEvent>> => {
    try {
      if (problem === undefined) work()
    } catch (thrown) {
      fail(thrown instanceof TypeError ? 'the XML is not UTF-8' : `not well-formed XML: ${String(thrown)}`)
    }
    const out = events
    events = []
    return problem === undefined || out.length > 0 ? E.right(out) : E.left(problem)
  }

  return {
    step: (chunk) =>
      attempt(() => {
        write(readText(chunk))
      }),
    finish: () => {
      const last = attempt(() => {
        write(readText())
        if (!hasStarted) fail(emptyDocument)
        else if (!hasEnded) fail(incompleteDocument)
        else parser.close()
      })
      return problem === undefined ? last : E.left(problem)
    }
  }
}

export type Fields = { readonly [name: string]: string | Fields }

/** A row as a record, for a codec: an element with children becomes a record, another element its text. */
export const toFields = (row: Element): Fields =>
  Object.fromEntries(
    row.children.map((child) => [child.name, child.children.length === 0 ? child.text : toFields(child)])
  )

// -- writing --
export type Xml = readonly [name: string, content: string | ReadonlyArray<Xml>]

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A parser would turn an unescaped carriage return into a line feed.
  '\r': '&#13;'
}

export const escapeXml = (text: string): string => text.replace(/[&<>"'\r]/g, (c) => escapes[c] ?? c)

// eslint-disable-next-line no-control-regex
const notXmlText = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/u

/** Whether XML 1.0 can carry the text at all, escaped or not. */
export const isXmlText = (text: string): boolean => !notXmlText.test(text)

const writeWith =
  (escape: (text: string) => string) =>
  ([name, content]: Xml): string =>
    `<${name}>${typeof content === 'string' ? escape(content) : content.map(writeWith(escape)).join('')}</${name}>`

/**
 * Writes a document without a declaration and without white space. Quotes are escaped as COS does: `&quot;`.
 *
 * @example writeXml(['ETag', '"x"']) // '<ETag>&quot;x&quot;</ETag>'
 */
export const writeXml: (xml: Xml) => string = writeWith(escapeXml)

/**
 * Like `writeXml`, with unescaped quotes: text does not need the escape, and COS's samples are hashed without it. A list
 * of 10,000 parts has 889 KB instead of 989 KB; COS accepts about 1 MB.
 *
 * @example writeTerseXml(['ETag', '"x"']) // '<ETag>"x"</ETag>'
 */
export const writeTerseXml: (xml: Xml) => string = writeWith((text) =>
  text.replace(/[&<>\r]/g, (c) => escapes[c] ?? c)
)
