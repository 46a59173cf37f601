/** Converts keys to paths below a folder, and refuses keys whose path would leave the folder. */
import * as E from 'fp-ts/lib/Either.js'

/** The file name rules of a system. */
export interface PathRules {
  /** Whether `a` and `A` name the same file, and the composed and decomposed forms of an accented letter too. */
  readonly foldsCase: boolean
  /** Whether the rules are those of Windows, which reserves more characters and some whole names. */
  readonly windows: boolean
}

// Device names are reserved with any extension: `nul.txt` and `nul .txt` are the null device too.
const deviceNames = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i
// eslint-disable-next-line no-control-regex
const reservedCharacters = /[\0-\x1f<>:"|?*]|[. ]$/

const segmentProblem = (segment: string, { windows }: PathRules): string | undefined => {
  if (segment === '') return 'two slashes in a row, or one at the start'
  if (segment === '.' || segment === '..') return 'a segment that means another folder'
  if (segment.includes('\0')) return 'a NUL'
  // A backslash is a separator on Windows. On other systems it is an ordinary character, and a file uploaded with one
  // must be downloadable. But the download may be copied to Windows, where the name must not contain a `..` segment.
  if (windows && segment.includes('\\')) return 'a backslash'
  if (segment.split('\\').includes('..')) return 'a name that leads upwards on Windows'
  if (windows && (reservedCharacters.test(segment) || deviceNames.test(segment)))
    return 'a name that Windows reserves'
  return undefined
}

/**
 * Splits the rest of a key, after its prefix, into the segments of a path. The rest of a folder's key ends in a slash.
 *
 * `a..b` is an ordinary name. Every returned segment is a literal name, so the segments joined to a folder stay below it,
 * if no link is on the path.
 *
 * @shape `Left` describes the part of the key that a path must not contain
 */
export const toSegments = (rest: string, naming: PathRules): E.Either<string, ReadonlyArray<string>> => {
  if (rest === '') return E.left('nothing after the prefix')
  // On Windows, `join` treats a drive letter as an absolute path, and `C:` alone is the current folder of that drive.
  if (naming.windows && /^[a-z]:/i.test(rest)) return E.left('a drive letter')
  const segments = (rest.endsWith('/') ? rest.slice(0, -1) : rest).split('/')
  for (const segment of segments) {
    const problem = segmentProblem(segment, naming)
    if (problem !== undefined) return E.left(problem)
  }
  return E.right(segments)
}

/**
 * Returns the same text for two paths that name one file: the path itself, or its folded form if `foldsCase` is true.
 *
 * Systems fold differently: some treat `ß` as `ss`, others do not. Paths that any system folds together are
 * treated as equal.
 */
export const identityOf = (path: string, { foldsCase }: Pick<PathRules, 'foldsCase'>): string =>
  foldsCase ? path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC') : path
