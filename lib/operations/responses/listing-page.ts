/** Reads a page of a listing: entries and common prefixes as their elements end, then the fields of the page itself. */
import { identity } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as D from '../../core/decoder.js'
import { xmlRows } from '../../core/xml-decoder.js'
import { CosException, fromUnknown } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import * as W from '../../core/wire.js'
import type { Element } from '../../core/element.js'
import { tryTask } from '../../core/try-task.js'
import type { Encoding } from '../parameters/listing.js'
import { readRow, type Row } from './row.js'

/** Decodes `encoding-type=url`, unless the caller asked for the encoded text. */
export const textDecoder = ({ encodingType }: Encoding): ((text: string) => string) =>
  encodingType === undefined ? W.urlDecode : identity

export interface PageFormat<Entry, Head> {
  /** Name of the root element. */
  readonly root: string
  /** Reads an entry, by the name of its element. Every other row, except common prefixes, is a field of the page. */
  readonly entries: ReadonlyMap<string, (row: Row) => Entry>
  readonly head: (row: Row) => Head
  readonly decodeText: (text: string) => string
}

export type PageRow<Entry> =
  | { readonly _tag: 'Entry'; readonly entry: Entry }
  | { readonly _tag: 'CommonPrefixes'; readonly prefixes: ReadonlyArray<string> }
  /** A field of the page, kept for `head`: COS writes them before the entries, after them, or both. */
  | { readonly _tag: 'HeadRow' }

/** Both throw a `CosException` of a `DecodeError`. */
export interface PageReader<Entry, Head> {
  readonly row: (element: Element) => PageRow<Entry>
  /** The fields of the page, to be called after the last row. */
  readonly head: () => Head
}

// More than any page has; a hostile one could send them without end.
const maxHeadRows = 64

const headRow = { _tag: 'HeadRow' } as const

/** Starts a page. */
export const pageReader = <Entry, Head>(
  { entries, head, decodeText }: PageFormat<Entry, Head>,
  response: Response
): PageReader<Entry, Head> => {
  const headRows: Array<Element> = []
  const orThrow = <A>(result: ReturnType<typeof readRow<A>>): A => {
    if (E.isRight(result)) return result.right
    throw new CosException(D.decodeError(response, result.left))
  }
  return {
    row: (element) => {
      const read = entries.get(element.name)
      if (read !== undefined) return { _tag: 'Entry', entry: orThrow(readRow(element, decodeText, read)) }
      // Lists of uploads spell it `CommonPrefixs`.
      if (element.name === 'CommonPrefixes' || element.name === 'CommonPrefixs') {
        const prefixes = element.children.filter(({ name }) => name === 'Prefix')
        return { _tag: 'CommonPrefixes', prefixes: prefixes.map(({ text }) => decodeText(text)) }
      }
      if (headRows.length < maxHeadRows) headRows.push(element)
      return headRow
    },
    head: () => orThrow(readRow({ name: '', text: '', children: headRows }, decodeText, head))
  }
}

export interface Page<Entry, Head> {
  readonly entries: ReadonlyArray<Entry>
  readonly commonPrefixes: ReadonlyArray<string>
  readonly head: Head
}

/** Reads a whole page. */
export const wholePage =
  <Entry, Head>(format: PageFormat<Entry, Head>): D.Decoder<Page<Entry, Head>> =>
  (response) =>
    tryTask(
      async () => {
        const reader = pageReader(format, response)
        const entries: Array<Entry> = []
        const commonPrefixes: Array<string> = []
        for await (const rows of xmlRows(format.root, response)) {
          for (const element of rows) {
            const row = reader.row(element)
            if (row._tag === 'Entry') entries.push(row.entry)
            else if (row._tag === 'CommonPrefixes') commonPrefixes.push(...row.prefixes)
          }
        }
        return { entries, commonPrefixes, head: reader.head() }
      },
      fromUnknown(response.context, response.host)
    )
