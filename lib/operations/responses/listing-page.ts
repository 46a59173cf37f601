/** How the listings are read: entries as their elements end, and what the page says of itself when it has ended. */
import { identity, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import { CosException, fromUnknown } from '../../core/error.js'
import { compareUtf8 } from '../../core/key.js'
import type { Response } from '../../core/response.js'
import * as W from '../../core/wire.js'
import { toFields, type Element } from '../../core/xml.js'
import type { Encoding } from '../parameters/listing.js'
import type { StorageClass } from '../parameters/storage.js'
import { perhaps, readOnly, Text } from './metadata.js'

// -- fields --
export type Problems = ReadonlyArray<string>

/** Undoes `encoding-type=url`, unless the caller asked for it. */
export const textOf = ({ encodingType }: Encoding): ((text: string) => string) =>
  encodingType === undefined ? W.urlDecode : identity

/** What the texts of an answer are in: none where they have been decoded. */
export const encodingOf = ({ encodingType }: Encoding): O.Option<string> => O.fromNullable(encodingType)

const folded = (name: string): string => name.replaceAll('-', '').toLowerCase()

/**
 * Reads elements with a codec, whichever way COS spelled their names: `EncodingType`, `Encoding-Type`, `UploadID`.
 *
 * @shape `fields(codec)(elements)`; the codec sees the names it was written with
 */
export const fields = <P extends t.Props>(
  codec: t.TypeC<P>
): ((elements: ReadonlyArray<Element>) => E.Either<Problems, t.TypeOfProps<P>>) => {
  const names = new Map(Object.keys(codec.props).map((name) => [folded(name), name]))
  return (elements) =>
    W.decodeWith(codec)(
      Object.fromEntries(
        elements.map((element) => [
          names.get(folded(element.name)) ?? element.name,
          element.children.length === 0 ? element.text : toFields(element)
        ])
      )
    )
}

/** Text that may be empty, and is when it is missing. */
export const Echo = perhaps(readOnly('text', identity))
export const echo = (text: O.Option<string>): string => O.getOrElse(() => '')(text)

/** Upper case, as COS writes it everywhere but in lists of uploads. */
export const Class: t.Type<StorageClass, string, unknown> = readOnly('a storage class', (text) =>
  text === '' ? undefined : text.toUpperCase()
)

export interface Owner {
  readonly id: string
  readonly displayName: string
}

const Named = t.type({ ID: t.string, DisplayName: perhaps(Text) })

/** None where it is missing, empty, or of another form: nobody should lose a page by it. */
export const Owned: t.Type<O.Option<Owner>, unknown, unknown> = new t.Type(
  'an owner',
  (u): u is O.Option<Owner> => typeof u === 'object' && u !== null && '_tag' in u,
  (u) =>
    t.success(
      pipe(
        O.fromEither(Named.decode(u)),
        O.map(({ ID, DisplayName }) => ({ id: ID, displayName: O.getOrElse(() => ID)(DisplayName) }))
      )
    ),
  identity
)

// -- pages --
export interface Page<Entry, Head> {
  readonly root: string
  /** Which rows are entries, and how to read them. All others, but common prefixes, say something of the page. */
  readonly entries: ReadonlyMap<string, (row: Element) => E.Either<Problems, Entry>>
  readonly head: (rows: ReadonlyArray<Element>) => E.Either<Problems, Head>
  readonly text: (text: string) => string
}

export type FoundRow<Entry, Head> =
  | { readonly _tag: 'Entry'; readonly entry: Entry }
  | { readonly _tag: 'CommonPrefix'; readonly prefix: string }
  /** Last, and once: COS may say it before the entries, after them, or both. */
  | { readonly _tag: 'Head'; readonly head: Head }

// More than any page says of itself; a hostile one could go on for ever.
const maxHeadRows = 64

const isPrefixes = ({ name }: Element): boolean => name === 'CommonPrefixes' || name === 'CommonPrefixs'

/**
 * Reads a page as it comes in.
 *
 * @shape  yields each entry and common prefix when its element has ended, in the order of the page, then the head
 * @units  holds one row at a time
 * @errors throws `CosException`: those of `xmlRows`; `DecodeError`
 */
export async function* rowFinder<Entry, Head>(
  page: Page<Entry, Head>,
  response: Response
): AsyncGenerator<FoundRow<Entry, Head>, void, undefined> {
  const wrong = (problems: Problems): CosException => new CosException(D.decodeError(response, problems))
  const rest: Array<Element> = []
  for await (const row of D.xmlRows(page.root, response)) {
    const read = page.entries.get(row.name)
    if (read !== undefined) {
      const entry = read(row)
      if (E.isLeft(entry)) throw wrong(entry.left.map((problem) => `${row.name}.${problem}`))
      yield { _tag: 'Entry', entry: entry.right }
    } else if (isPrefixes(row)) {
      for (const { name, text } of row.children) {
        if (name === 'Prefix') yield { _tag: 'CommonPrefix', prefix: page.text(text) }
      }
    } else if (rest.length < maxHeadRows) rest.push(row)
  }
  const head = page.head(rest)
  if (E.isLeft(head)) throw wrong(head.left)
  yield { _tag: 'Head', head: head.right }
}

export interface WholePage<Entry, Head> {
  readonly entries: ReadonlyArray<Entry>
  readonly commonPrefixes: ReadonlyArray<string>
  readonly head: Head
}

/** Reads a page whole. */
export const wholePage =
  <Entry, Head>(page: Page<Entry, Head>): D.Decoder<WholePage<Entry, Head>> =>
  (response) =>
    TE.tryCatch(async () => {
      const entries: Array<Entry> = []
      const commonPrefixes: Array<string> = []
      let head: O.Option<Head> = O.none
      for await (const found of rowFinder(page, response)) {
        if (found._tag === 'Entry') entries.push(found.entry)
        else if (found._tag === 'CommonPrefix') commonPrefixes.push(found.prefix)
        else head = O.some(found.head)
      }
      if (O.isNone(head)) throw new CosException(D.decodeError(response, ['a page without a head']))
      return { entries, commonPrefixes, head: head.value }
    }, fromUnknown(response.context))

/** Where an entry stands: its key, and its version or upload; a common prefix has no id. */
export interface Mark {
  readonly key: string
  readonly id: string
}

/**
 * Where a page ended, for one that does not say: its greatest key or common prefix, by what the texts mean.
 *
 * @shape none of an empty page
 */
export const endOf =
  ({ encodingType }: Encoding) =>
  (marks: ReadonlyArray<Mark>, commonPrefixes: ReadonlyArray<string>): O.Option<Mark> => {
    const meaning = encodingType === undefined ? identity<string> : W.urlDecode
    const all = [...marks, ...commonPrefixes.map((key) => ({ key, id: '' }))]
    // Sorting is stable: of one key the last in the page is the last.
    return O.fromNullable(all.toSorted((a, b) => compareUtf8(meaning(a.key), meaning(b.key))).at(-1))
  }
