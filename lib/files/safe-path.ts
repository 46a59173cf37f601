/** Keys from a bucket as paths below a folder: which can be one without leaving it, and which can not. */
import * as E from 'fp-ts/lib/Either.js'

/** How a system names its files. */
export interface PathRules {
  /** `a` and `A` are one file there, as are two spellings of one accented letter. */
  readonly foldsCase: boolean
  /** Windows: more characters, and some whole names, mean something there. */
  readonly windows: boolean
}

// Whatever their ending: `nul.txt` is the null device as well, and so is `nul .txt`.
const devices = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i
// eslint-disable-next-line no-control-regex
const meaningful = /[\0-\x1f<>:"|?*]|[. ]$/

const wrongSegment = (segment: string, { windows }: PathRules): string | undefined => {
  if (segment === '') return 'two slashes in a row, or one at its beginning'
  if (segment === '.' || segment === '..') return 'a segment that means another folder'
  if (segment.includes('\0')) return 'a NUL'
  // A separator on Windows. Elsewhere it is a character like any other, and a file uploaded with it must come back; but
  // what is downloaded here may be copied there, so it must not lead upwards.
  if (windows && segment.includes('\\')) return 'a backslash'
  if (segment.split('\\').includes('..')) return 'a name that leads upwards on Windows'
  if (windows && (meaningful.test(segment) || devices.test(segment)))
    return 'a name that Windows keeps for itself'
  return undefined
}

/**
 * The segments of a path for what is left of a key when its prefix is taken off; a folder's ends in a slash.
 *
 * `a..b` is a name like any other. No segment of what comes out means anything but itself, so that joining them to a
 * folder stays below it, as long as no link is on the way.
 *
 * @shape `Left` of what the key has that no path may have
 */
export const toSegments = (rest: string, naming: PathRules): E.Either<string, ReadonlyArray<string>> => {
  if (rest === '') return E.left('nothing behind the prefix')
  // On Windows `join` takes it for an absolute path, and `C:` alone is the current folder of that drive.
  if (naming.windows && /^[a-z]:/i.test(rest)) return E.left('a drive letter')
  const segments = (rest.endsWith('/') ? rest.slice(0, -1) : rest).split('/')
  for (const segment of segments) {
    const wrong = wrongSegment(segment, naming)
    if (wrong !== undefined) return E.left(wrong)
  }
  return E.right(segments)
}

/**
 * What two paths have in common that are one file: the path itself, unless letters of both cases are the same there.
 *
 * Systems differ in what they fold (one takes `ß` for `ss`, another does not); this takes for one what any of them does.
 */
export const identityOf = (path: string, { foldsCase }: Pick<PathRules, 'foldsCase'>): string =>
  foldsCase ? path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC') : path
