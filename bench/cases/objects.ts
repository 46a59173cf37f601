/** The cost of one request: small objects, directories and listings. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { comparison, type Comparison } from '../support/contest.js'
import { scale } from '../support/settings.js'
import { workers } from '../support/workers.js'

const nameOf = (at: number): string => `${String(at).padStart(8, '0')}.txt`
const grouped = (n: number): string => n.toLocaleString('en')
const requestCount = (inFlight: number): number => scale(inFlight === 1 ? 500 : 2000, 20)

export const puts = (inFlight: number): Comparison => {
  const count = requestCount(inFlight)
  const body = Buffer.alloc(1024)
  return comparison(
    `${grouped(count)} puts of 1 KiB, ${String(inFlight)} in flight`,
    { count, unit: 'object' },
    ({ put }) => put && { run: () => workers(count, inFlight, (at) => put(nameOf(at), body)) }
  )
}

export const heads = (inFlight: number): Comparison => {
  const count = requestCount(inFlight)
  return comparison(
    `${grouped(count)} heads, ${String(inFlight)} in flight`,
    { count, unit: 'object' },
    ({ head }) => head && { run: () => workers(count, inFlight, () => head('zeros-4096')) }
  )
}

const files = scale(2000, 20)
const fileAmount = { count: files, unit: 'object' } as const

export const folderUp = comparison(
  `Upload of a directory: ${grouped(files)} files of 4 KiB, 16 in flight`,
  fileAmount,
  async ({ uploadDirectory }, directory) => {
    if (uploadDirectory === undefined) return undefined
    const names = Array.from({ length: files }, (_, at) => nameOf(at))
    for (const name of names) await writeFile(join(directory, name), Buffer.alloc(4096))
    return { run: () => uploadDirectory(directory, names) }
  }
)

export const folderDown = comparison(
  `Download of a directory: ${grouped(files)} files of 4 KiB, 16 in flight`,
  fileAmount,
  ({ downloadDirectory }, root) => {
    const directory = join(root, 'files')
    return (
      downloadDirectory && {
        run: async () => {
          await mkdir(directory)
          await downloadDirectory(`objects-${String(files)}/`, directory)
        },
        after: () => rm(directory, { recursive: true })
      }
    )
  }
)

export const listing = (keys: number): Comparison => {
  const count = scale(keys, 2000)
  return comparison(
    `A listing of ${grouped(count)} keys`,
    { count, unit: 'key' },
    ({ list }) =>
      list && {
        run: async () => {
          const seen = await list(`objects-${String(count)}/`)
          if (seen !== count) throw new Error(`${String(seen)} keys of ${String(count)}`)
        }
      }
  )
}
