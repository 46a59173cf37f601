/** The known name that a misspelled name probably stands for. */

/** Insertions, deletions and substitutions that turn one text into the other (Levenshtein). */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1) {
      const substituted = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

// Spellings that differ in case and separators alone are one name: `storageclass`, `storage_class`.
const normalize = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

// Names of COS and its SDKs have at most some 40 characters; the distance costs the product of both lengths.
const longest = 64

/**
 * Finds the known name that is most similar.
 *
 * @shape undefined if more than a third of the characters differ
 * @example similarName('storageclass', ['storageClass', 'acl']) // 'storageClass'
 */
export const similarName = (name: string, known: Iterable<string>): string | undefined => {
  if (name.length > longest) return undefined
  const given = normalize(name)
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(given.length / 3)) + 1
  for (const candidate of known) {
    const edits = editDistance(given, normalize(candidate))
    if (edits < fewest) {
      fewest = edits
      best = candidate
    }
  }
  return best
}
