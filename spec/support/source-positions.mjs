/**
 * The positions of the sources in a text with positions of bundled files, such as the failures of a TAP stream.
 *
 * Node does the same with `--enable-source-maps`, for each stack trace that anybody reads: Node reads one for each stream that
 * is destroyed with an error. The maps, and those traces, were 3 % of the CPU of all specs (Node 20.20). Here the maps
 * are read if a spec fails.
 */
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, relative, resolve } from 'node:path'

/** The map of a file, or `undefined` if the file has none. */
const readMap = (path) =>
  existsSync(`${path}.map`) ? new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8'))) : undefined

/** A function of a text. Paths in the text may be relative to `top`, and those in the result are. */
export const sourcePositions = (top) => {
  const maps = new Map()
  /** The source of a position with numbers from 1, or `undefined`. */
  const find = (file, line, column) => {
    const path = resolve(top, file)
    if (!maps.has(path)) maps.set(path, readMap(path))
    const entry = maps.get(path)?.findEntry(Number(line) - 1, Number(column) - 1)
    if (entry?.originalSource === undefined) return undefined
    const source = relative(top, resolve(dirname(path), entry.originalSource))
    return { source, line: entry.originalLine + 1, column: entry.originalColumn + 1 }
  }
  return (text) =>
    text
      .replace(/(?:file:\/\/)?([\w./-]+\.js):(\d+):(\d+)/g, (all, file, line, column) => {
        const found = find(file, line, column)
        return found === undefined ? all : `${found.source}:${String(found.line)}:${String(found.column)}`
      })
      .replace(
        /(fileName: )(\S+\.js)(\s+lineNumber: )(\d+)(\s+columnNumber: )(\d+)/g,
        (all, name, file, lineName, line, columnName, column) => {
          const found = find(file, line, column)
          return found === undefined
            ? all
            : [name, found.source, lineName, found.line, columnName, found.column].join('')
        }
      )
}
