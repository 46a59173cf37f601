/** The operations and transfers of the matrix: how each is prepared and run, and how its result is checked. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as Cos from '../../lib/index.js'
import type { Client, CosEffect, CosError } from '../../lib/index.js'
import { bytesOf } from '../support/bytes.js'
import { bucket } from '../support/cos.js'
import { right } from '../support/server.js'
import { from, toArray } from '../support/iterables.js'
import { readBody, readItems } from './read-body.js'

const MiB = 1024 * 1024

/** The bytes of the small object, and those of the object in three parts. */
const small = bytesOf(1000, 1)
const large = bytesOf(2 * MiB + 1000, 2)

/** One cell of the matrix: an own prefix of keys, and an own directory. */
export interface Cell {
  readonly prefix: string
  readonly directory: string
}

export interface Subject {
  readonly name: string
  /** Without faults. */
  readonly prepare?: (client: Client, cell: Cell) => Promise<unknown>
  /** With the fault. A value of the result is what the caller would use. */
  readonly run: (client: Client, cell: Cell, prepared: unknown) => Promise<E.Either<CosError, unknown>>
  /** Without faults, after a success: whether the result and the objects are right. */
  readonly isRight: (client: Client, cell: Cell, value: unknown) => Promise<boolean>
  /** It reads XML or a range, for which COS has no checksum. */
  readonly hasNoChecksum?: boolean
  /** The body can be read once, or the source: the first failure is final. */
  readonly isOnce?: boolean
  /** A failure keeps the partial file, for the next run. */
  readonly keepsPartialFile?: boolean
  /** It waits at least 20 minutes for the head of a response, and the timeout of the call ends it. */
  readonly isSlow?: boolean
  /** A failure keeps the upload. */
  readonly keepsUpload?: boolean
}

const keyOf = ({ prefix }: Cell): string => `${prefix}a`
const at = (cell: Cell) => ({ bucket, key: keyOf(cell) })
const copySource = (cell: Cell) => ({ bucket, region: 'ap-guangzhou', key: `${cell.prefix}source` })

const must = async <A>(client: Client, effect: CosEffect<A>): Promise<A> => right(await effect(client)())
const put = (client: Client, key: string, body: Uint8Array) =>
  must(client, Cos.send(Cos.putObject({ bucket, key, body })))

const read = (client: Client, key: string): Promise<Buffer> =>
  must(client, pipe(Cos.send(Cos.getObject({ bucket, key })), RTE.chain(Cos.toBuffer(4 * MiB))))

const isStored = async (client: Client, key: string, bytes: Uint8Array): Promise<boolean> =>
  (await read(client, key)).equals(bytes)

const exists = (client: Client, key: string): Promise<boolean> =>
  must(client, Cos.send(Cos.objectExists({ bucket, key })))

const isEqual = (value: unknown, bytes: Uint8Array): boolean =>
  value instanceof Uint8Array && Buffer.from(bytes).equals(value)

const createUpload = async (client: Client, cell: Cell): Promise<string> =>
  (await must(client, Cos.send(Cos.createMultipartUpload(at(cell))))).uploadId

/** An upload with one part, for the operations on uploads. */
const createWithPart = async (client: Client, cell: Cell) => {
  const uploadId = await createUpload(client, cell)
  const { etag } = await must(
    client,
    Cos.send(Cos.uploadPart({ ...at(cell), uploadId, partNumber: 1, body: small }))
  )
  return { uploadId, etag }
}
type Prepared = Awaited<ReturnType<typeof createWithPart>>

const partsOf = async (client: Client, cell: Cell, uploadId: string) =>
  (await toArray(Cos.streamParts({ ...at(cell), uploadId })(client))).length

const operations: ReadonlyArray<Subject> = [
  {
    name: 'putObject',
    prepare: (client, cell) => put(client, keyOf(cell), Buffer.from('old')),
    run: (client, cell) => Cos.send(Cos.putObject({ ...at(cell), body: small }))(client)(),
    isRight: (client, cell) => isStored(client, keyOf(cell), small)
  },
  {
    name: 'putObject of a stream',
    isOnce: true,
    prepare: (client, cell) => put(client, keyOf(cell), Buffer.from('old')),
    run: (client, cell) =>
      Cos.send(Cos.putObject({ ...at(cell), body: from(small), contentLength: small.length }))(client)(),
    isRight: (client, cell) => isStored(client, keyOf(cell), small)
  },
  {
    name: 'getObject',
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) => pipe(Cos.send(Cos.getObject(at(cell)))(client), TE.chain(readBody))(),
    isRight: async (_client, _cell, value) => isEqual(value, small)
  },
  {
    name: 'getObject of a range',
    hasNoChecksum: true,
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) =>
      pipe(
        Cos.send(Cos.getObject({ ...at(cell), range: { first: 10, last: 499 } }))(client),
        TE.chain(readBody)
      )(),
    isRight: async (_client, _cell, value) => isEqual(value, small.subarray(10, 500))
  },
  {
    name: 'headObject',
    hasNoChecksum: true,
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) => Cos.send(Cos.headObject(at(cell)))(client)(),
    // Any size may be right: the head is all that there is.
    isRight: async (_client, _cell, value) => typeof (value as Cos.ObjectHead).etag === 'string'
  },
  {
    name: 'objectExists',
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) => Cos.send(Cos.objectExists(at(cell)))(client)(),
    isRight: async (_client, _cell, value) => typeof value === 'boolean'
  },
  {
    name: 'copyObject',
    isSlow: true,
    prepare: (client, cell) => put(client, `${cell.prefix}source`, small),
    run: (client, cell) => Cos.send(Cos.copyObject({ ...at(cell), copySource: copySource(cell) }))(client)(),
    isRight: (client, cell) => isStored(client, keyOf(cell), small)
  },
  {
    name: 'deleteObject',
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) => Cos.send(Cos.deleteObject(at(cell)))(client)(),
    isRight: async (client, cell) => !(await exists(client, keyOf(cell)))
  },
  {
    name: 'deleteObjects',
    hasNoChecksum: true,
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) => Cos.send(Cos.deleteObjects({ bucket, objects: [{ key: keyOf(cell) }] }))(client)(),
    isRight: async (client, cell) => !(await exists(client, keyOf(cell)))
  },
  {
    name: 'listObjects',
    hasNoChecksum: true,
    prepare: (client, cell) => put(client, keyOf(cell), small),
    run: (client, cell) => Cos.send(Cos.listObjects({ bucket, prefix: cell.prefix }))(client)(),
    isRight: async (_client, cell, value) =>
      JSON.stringify((value as Cos.ObjectPage).contents.map(({ key }) => key)) ===
      JSON.stringify([keyOf(cell)])
  },
  {
    name: 'createMultipartUpload',
    keepsUpload: true,
    hasNoChecksum: true,
    run: (client, cell) => Cos.send(Cos.createMultipartUpload(at(cell)))(client)(),
    isRight: async (client, cell, value) =>
      (await partsOf(client, cell, (value as { uploadId: string }).uploadId)) === 0
  },
  {
    name: 'uploadPart',
    keepsUpload: true,
    prepare: createUpload,
    run: (client, cell, uploadId) =>
      Cos.send(Cos.uploadPart({ ...at(cell), uploadId: String(uploadId), partNumber: 1, body: small }))(
        client
      )(),
    isRight: async (client, cell) => (await openUploads(client, cell)).length === 1
  },
  {
    name: 'uploadPartCopy',
    isSlow: true,
    keepsUpload: true,
    hasNoChecksum: true,
    prepare: async (client, cell) => {
      await put(client, `${cell.prefix}source`, small)
      return createUpload(client, cell)
    },
    run: (client, cell, uploadId) =>
      Cos.send(
        Cos.uploadPartCopy({
          ...at(cell),
          uploadId: String(uploadId),
          partNumber: 1,
          copySource: copySource(cell)
        })
      )(client)(),
    isRight: async (client, cell) => (await openUploads(client, cell)).length === 1
  },
  {
    name: 'listParts',
    keepsUpload: true,
    hasNoChecksum: true,
    prepare: createWithPart,
    run: (client, cell, prepared) =>
      Cos.send(Cos.listParts({ ...at(cell), uploadId: (prepared as Prepared).uploadId }))(client)(),
    isRight: async (_client, _cell, value) => (value as Cos.PartPage).parts.length === 1
  },
  {
    name: 'completeMultipartUpload',
    keepsUpload: true,
    // A second request is refused with NoSuchUpload if the first was performed; the transfers compare the object.
    isOnce: true,
    prepare: createWithPart,
    run: (client, cell, prepared) => {
      const { uploadId, etag } = prepared as Prepared
      const parts = [{ partNumber: 1, etag }]
      return Cos.send(Cos.completeMultipartUpload({ ...at(cell), uploadId, parts }))(client)()
    },
    isRight: (client, cell) => isStored(client, keyOf(cell), small)
  },
  {
    name: 'abortMultipartUpload',
    keepsUpload: true,
    prepare: createUpload,
    run: (client, cell, uploadId) =>
      Cos.send(Cos.abortMultipartUpload({ ...at(cell), uploadId: String(uploadId) }))(client)(),
    isRight: async (client, cell) => (await openUploads(client, cell)).length === 0
  }
]

export const openUploads = (client: Client, { prefix }: Cell) =>
  toArray(Cos.streamMultipartUploads({ bucket, prefix })(client))

const partSize = MiB
const upload = (cell: Cell) => ({ ...at(cell), partSize, concurrency: 2 })

const transfers: ReadonlyArray<Subject> = [
  {
    name: 'uploadStream',
    isSlow: true,
    prepare: (client, cell) => put(client, keyOf(cell), Buffer.from('old')),
    run: (client, cell) => Cos.uploadStream(upload(cell))(from(large))(client)(),
    isRight: (client, cell) => isStored(client, keyOf(cell), large)
  },
  {
    name: 'uploadFile',
    isSlow: true,
    prepare: async (_client, { directory }) => {
      writeFileSync(join(directory, 'file'), large)
    },
    run: (client, cell) =>
      Cos.uploadFile({ ...upload(cell), file: join(cell.directory, 'file'), threshold: MiB })(client)(),
    isRight: (client, cell) => isStored(client, keyOf(cell), large)
  },
  {
    name: 'downloadStream',
    prepare: (client, cell) => put(client, keyOf(cell), large),
    run: (client, cell) => pipe(Cos.downloadStream(upload(cell))(client), TE.chain(readBody))(),
    isRight: async (_client, _cell, value) => isEqual(value, large)
  },
  {
    name: 'downloadFile',
    keepsPartialFile: true,
    prepare: async (client, cell) => {
      writeFileSync(join(cell.directory, 'file'), 'old')
      await put(client, keyOf(cell), large)
    },
    run: (client, cell) =>
      Cos.downloadFile({ ...upload(cell), file: join(cell.directory, 'file') })(client)(),
    isRight: async (_client, { directory }) => isEqual(readFileSync(join(directory, 'file')), large)
  },
  {
    name: 'copy in parts',
    isSlow: true,
    prepare: (client, cell) => put(client, `${cell.prefix}source`, large),
    run: (client, cell) =>
      Cos.copy({ ...upload(cell), copySource: copySource(cell), threshold: 0 })(client)(),
    isRight: (client, cell) => isStored(client, keyOf(cell), large)
  },
  {
    name: 'move',
    isSlow: true,
    prepare: (client, cell) => put(client, `${cell.prefix}source`, small),
    run: (client, cell) => Cos.move({ ...at(cell), copySource: copySource(cell) })(client)(),
    isRight: async (client, cell) =>
      (await isStored(client, keyOf(cell), small)) && !(await exists(client, `${cell.prefix}source`))
  },
  {
    name: 'streamObjects',
    hasNoChecksum: true,
    prepare: async (client, cell) => {
      for (const name of ['a', 'b', 'c']) await put(client, `${cell.prefix}${name}`, small)
    },
    run: (client, cell) =>
      readItems(Cos.streamObjects({ bucket, prefix: cell.prefix, maxKeys: 2 })(client))(),
    isRight: async (_client, _cell, value) => (value as ReadonlyArray<unknown>).length === 3
  },
  {
    name: 'uploadDirectory',
    prepare: async (_client, { directory }) => {
      mkdirSync(join(directory, 'tree'))
      for (const name of ['a', 'b']) writeFileSync(join(directory, 'tree', name), small)
    },
    run: async (client, { prefix, directory }) =>
      eachResult(Cos.uploadDirectory({ bucket, prefix, directory: join(directory, 'tree') })(client)),
    isRight: async (client, { prefix }) =>
      (await isStored(client, `${prefix}a`, small)) && (await isStored(client, `${prefix}b`, small))
  },
  {
    name: 'downloadDirectory',
    hasNoChecksum: true,
    prepare: async (client, { prefix, directory }) => {
      mkdirSync(join(directory, 'tree'))
      for (const name of ['a', 'b']) await put(client, `${prefix}${name}`, small)
    },
    run: async (client, { prefix, directory }) =>
      eachResult(Cos.downloadDirectory({ bucket, prefix, directory: join(directory, 'tree') })(client)),
    isRight: async (_client, { directory }) =>
      ['a', 'b'].every((name) => isEqual(readFileSync(join(directory, 'tree', name)), small))
  }
]

type FileResult = Cos.UploadDirectoryResult | Cos.DownloadDirectoryResult

/** The error of the first file that failed, or all results. */
const eachResult = async (results: AsyncIterable<FileResult>): Promise<E.Either<CosError, unknown>> => {
  const all = await readItems(results)()
  if (E.isLeft(all)) return all
  for (const result of all.right) if (result._tag === 'Failed') return E.left(result.error)
  return all
}

export const subjects: ReadonlyArray<Subject> = [...operations, ...transfers]
