/** The cost of one request: small objects, directories and listings. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contendersOf, setUp, workers } from '../support/contenders.js'
import { compareContenders, type Table } from '../support/measure.js'
import { scaled } from '../support/settings.js'

const nameOf = (at: number): string => `${String(at).padStart(8, '0')}.txt`
const grouped = (n: number): string => n.toLocaleString('en')

export const comparePuts = (inFlight: number) => async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const count = scaled(inFlight === 1 ? 500 : 2000, 20)
  const body = Buffer.alloc(1024)
  const table = await compareContenders(
    `${grouped(count)} puts of 1 KiB, ${String(inFlight)} in flight`,
    { count, unit: 'object' },
    contendersOf(
      contenders,
      ({ put }) =>
        () =>
          workers(count, inFlight, (at) => put(nameOf(at), body))
    )
  )
  await stop()
  return table
}

export const compareHeads = (inFlight: number) => async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const count = scaled(inFlight === 1 ? 500 : 2000, 20)
  const table = await compareContenders(
    `${grouped(count)} heads, ${String(inFlight)} in flight`,
    { count, unit: 'object' },
    contendersOf(
      contenders,
      ({ head }) =>
        () =>
          workers(count, inFlight, () => head('zeros-4096'))
    )
  )
  await stop()
  return table
}

const files = scaled(2000, 20)
const fileAmount = { count: files, unit: 'object' } as const

export const folderUp = async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const names = Array.from({ length: files }, (_, at) => nameOf(at))
  for (const name of names) await writeFile(join(directory, name), Buffer.alloc(4096))
  const table = await compareContenders(
    `Upload of a directory: ${grouped(files)} files of 4 KiB, 16 in flight`,
    fileAmount,
    contendersOf(
      contenders,
      ({ uploadDirectory }) => uploadDirectory && (() => uploadDirectory(directory, names))
    )
  )
  await rm(directory, { recursive: true })
  await stop()
  return table
}

export const folderDown = async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const root = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  let run = 0
  const table = await compareContenders(
    `Download of a directory: ${grouped(files)} files of 4 KiB, 16 in flight`,
    fileAmount,
    contendersOf(
      contenders,
      ({ downloadDirectory }) =>
        downloadDirectory &&
        (async () => {
          const directory = join(root, String((run += 1)))
          await mkdir(directory)
          await downloadDirectory(`objects-${String(files)}/`, directory)
        }),
      () => rm(join(root, String(run)), { recursive: true })
    )
  )
  await rm(root, { recursive: true })
  await stop()
  return table
}

export const compareListings = (keys: number) => async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const count = scaled(keys, 2000)
  const table = await compareContenders(
    `A listing of ${grouped(count)} keys`,
    { count, unit: 'key' },
    contendersOf(
      contenders,
      ({ list }) =>
        list &&
        (async () => {
          const seen = await list(`objects-${String(count)}/`)
          if (seen !== count) throw new Error(`${String(seen)} keys of ${String(count)}`)
        })
    )
  )
  await stop()
  return table
}
