/** Which files changed since a record of them was written: by size and time of change. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'

const versionOf = (path) => {
  const { mtimeMs, size } = statSync(path)
  return `${mtimeMs} ${size}`
}

const readRecord = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/**
 * Compares files with a record.
 *
 * @param tools files that make the output: if one of them changed, every file counts as changed
 * @returns the changed files, whether a file is gone, and a function that writes the record anew once the output is made
 */
export const compareFiles = (record, files, tools) => {
  const before = readRecord(record)
  const now = Object.fromEntries([...files, ...tools].map((path) => [path, versionOf(path)]))
  const hasChanged = (path) => before[path] !== now[path]
  return {
    changed: tools.some(hasChanged) ? files : files.filter(hasChanged),
    isSmaller: Object.keys(before).some((path) => now[path] === undefined),
    save: () => writeFileSync(record, JSON.stringify(now))
  }
}
