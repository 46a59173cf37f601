/** Which files of a folder, or keys of a prefix, a transfer is about. */
import picomatch from 'picomatch'
import * as t from 'io-ts'
import * as In from '../core/input.js'

/**
 * Globs for paths below the folder or the prefix, with `/` between segments: `**` is any number of segments, and names
 * that begin with a dot are names like any other.
 */
export interface Filter {
  /** What matches one of them; everything unless said. */
  readonly include?: ReadonlyArray<string>
  /** But nothing that matches one of these. */
  readonly exclude?: ReadonlyArray<string>
}

const Globs = t.readonlyArray(In.nonEmpty, 'a list of globs')

/** Fields for a codec. */
export const filter: In.FieldsOf<Filter> = { include: In.optional(Globs), exclude: In.optional(Globs) }

/** @example passing({ include: ['**\/*.log'] })('2024/a.log') // true */
export const passing = ({ include, exclude }: Filter): ((path: string) => boolean) => {
  const options = { dot: true }
  const wanted = include === undefined ? () => true : picomatch([...include], options)
  const unwanted = exclude === undefined ? () => false : picomatch([...exclude], options)
  return (path) => wanted(path) && !unwanted(path)
}
