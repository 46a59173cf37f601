/** Selects files of a directory or keys of a prefix by globs. */
import * as t from 'io-ts'
import * as In from '../../core/input.js'

/**
 * Globs for paths relative to the directory or the prefix, with `/` between segments. `**` matches any number of segments.
 * Names that start with a dot are matched like any other.
 */
export interface GlobFilter {
  /** Transfers only paths that match one of these globs. Default: all paths. */
  readonly include?: ReadonlyArray<string>
  /** Skips paths that match one of these globs. `folder/**` matches everything below a folder. Default: none. */
  readonly exclude?: ReadonlyArray<string>
}

const Globs = t.readonlyArray(In.nonEmpty, 'a list of globs')

/** Fields for a codec. */
export const globFilter: In.FieldsOf<GlobFilter> = {
  include: In.optional(Globs),
  exclude: In.optional(Globs)
}

// `s`: a name may contain a line break. `windows: false`: paths here have `/` on every system.
const options = { dot: true, windows: false, flags: 's' }

/** Loads picomatch with the first glob. */
const compileGlobs = async (globs: ReadonlyArray<string> = []): Promise<(path: string) => boolean> => {
  if (globs.length === 0) return () => false
  const { default: picomatch } = await import('picomatch')
  return picomatch([...globs], options)
}

/** @example (await matchesFile({ include: ['**\/*.log'] }))('2024/a.log') // true */
export const matchesFile = async ({ include, exclude }: GlobFilter): Promise<(path: string) => boolean> => {
  const isIncluded = include === undefined ? () => true : await compileGlobs(include)
  const isExcluded = await compileGlobs(exclude)
  return (path) => isIncluded(path) && !isExcluded(path)
}

/**
 * Whether anything below a folder could match. A folder excluded by a glob that ends in `/**` is not read, so it may be
 * unreadable.
 *
 * @example (await shouldReadDirectory({ exclude: ['**\/node_modules/**'] }))('web/node_modules') // false
 */
export const shouldReadDirectory = async ({
  exclude = []
}: GlobFilter): Promise<(folder: string) => boolean> => {
  const isClosed = await compileGlobs(
    exclude.filter((glob) => !glob.startsWith('!') && /(?:^|\/)\*\*$/.test(glob))
  )
  return (folder) => !isClosed(folder)
}
