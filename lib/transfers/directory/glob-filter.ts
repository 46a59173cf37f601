/** Which files of a folder, or keys of a prefix, a transfer is about. */
import picomatch from 'picomatch'
import * as t from 'io-ts'
import * as In from '../../core/input.js'

/**
 * Globs for paths below the folder or the prefix, with `/` between segments: `**` is any number of segments, and names
 * that begin with a dot are names like any other.
 */
export interface GlobFilter {
  /** What matches one of them; everything unless said. */
  readonly include?: ReadonlyArray<string>
  /** But nothing that matches one of these. What is below a folder goes with `folder/**`. */
  readonly exclude?: ReadonlyArray<string>
}

const Globs = t.readonlyArray(In.nonEmpty, 'a list of globs')

/** Fields for a codec. */
export const globFilter: In.FieldsOf<GlobFilter> = {
  include: In.optional(Globs),
  exclude: In.optional(Globs)
}

// `s`: a name may have a line break in it. Our paths are the same on every system, and so are our globs.
const options = { dot: true, windows: false, flags: 's' }

const compileGlobs = (globs: ReadonlyArray<string> = []): ((path: string) => boolean) =>
  globs.length === 0 ? () => false : picomatch([...globs], options)

/** @example passing({ include: ['**\/*.log'] })('2024/a.log') // true */
export const matchesFile = ({ include, exclude }: GlobFilter): ((path: string) => boolean) => {
  const wanted = include === undefined ? () => true : compileGlobs(include)
  const unwanted = compileGlobs(exclude)
  return (path) => wanted(path) && !unwanted(path)
}

/**
 * Whether anything below a folder could pass. One that is excluded with all that it holds need not be looked into, and
 * may be one that can not.
 *
 * @example entering({ exclude: ['**\/node_modules/**'] })('web/node_modules') // false
 */
export const entersDirectory = ({ exclude = [] }: GlobFilter): ((folder: string) => boolean) => {
  const closed = compileGlobs(exclude.filter((glob) => !glob.startsWith('!') && /(?:^|\/)\*\*$/.test(glob)))
  return (folder) => !closed(folder)
}
