/** The transfers of the simulation. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as Cos from '../../lib/index.js'
import type { Client, CosEffect, CosError } from '../../lib/index.js'
import type { VirtualTime } from '../../lib/testing/index.js'
import { mayHaveUnknown, namedUploads } from '../support/named-uploads.js'
import type { Network } from './network.js'

export interface World {
  readonly bucket: string
  readonly random: () => number
  readonly directory: string
  /** Its requests have no faults outside the run. */
  readonly clean: Client
  readonly bytes: (size: number, seed: number) => Buffer
  readonly time: VirtualTime
  readonly network: Network
}

type Result = E.Either<CosError, unknown>

export interface Scenario {
  readonly name: string
  readonly prepare: (world: World) => Promise<Buffer>
  readonly run: (world: World, client: Client, bytes: Buffer) => Promise<Result>
  /** The problems after the run. */
  readonly check: (world: World, bytes: Buffer, result: Result) => Promise<ReadonlyArray<string>>
  readonly mostInFlight: number
  /** The next run continues on the disk of one that was killed. */
  readonly survivesKill?: boolean
  readonly betweenKills?: (world: World, bytes: Buffer) => Promise<unknown>
  readonly isAborted?: boolean
  readonly isExpected?: (error: CosError) => boolean
}

const MiB = 1024 * 1024
const key = 'a'
const partSize = MiB

const must = async <A>(effect: CosEffect<A>, client: Client): Promise<A> => {
  const result = await effect(client)()
  if (E.isLeft(result)) throw new Error(Cos.formatError(result.left))
  return result.right
}
const put = async ({ bucket, clean }: World, body: Buffer, to = key): Promise<Buffer> => {
  await must(Cos.send(Cos.putObject({ bucket, key: to, body })), clean)
  return body
}
const read = ({ bucket, clean }: World, from: string): Promise<Buffer> =>
  must(
    (client) =>
      pipe(
        Cos.send(Cos.getObject({ bucket, key: from }))(client),
        TE.chain((got) => Cos.toBuffer(16 * MiB)(got)(client))
      ),
    clean
  )

/**
 * Uploads that no result names. An error says whether there may be one whose id it does not know: an abort came during the
 * creation, and its response, or that of the deletion afterwards, was lost.
 */
const checkUploads = async (
  { bucket, clean, network }: World,
  result: Result
): Promise<ReadonlyArray<string>> => {
  const isUnknown = E.isLeft(result) && mayHaveUnknown(result.left.context)
  if (isUnknown && network.log.some((line) => /(POST \S+\?uploads=|DELETE \S+) +\w/.test(line))) return []
  const known = namedUploads(result)
  const { uploads } = await must(Cos.send(Cos.listMultipartUploads({ bucket })), clean)
  const unknown = uploads.filter(({ uploadId }) => !known.has(uploadId))
  return unknown.length === 0 ? [] : [`${String(unknown.length)} uploads are left`]
}

const checkStored = async (
  world: World,
  bytes: Buffer,
  result: Result,
  at = key
): Promise<ReadonlyArray<string>> =>
  E.isRight(result) && !(await read(world, at)).equals(bytes) ? ['the object has other bytes'] : []

async function* chunks(bytes: Buffer, random: () => number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(random() * 300_000)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const sizeOf = (random: () => number): number => Math.floor(MiB + 1 + random() * 3 * MiB)
const draw = async ({ random, bytes }: World): Promise<Buffer> =>
  bytes(sizeOf(random), Math.floor(random() * 1e6))
const drawSmall = ({ random, bytes }: World): Buffer =>
  bytes(1000 + Math.floor(random() * 300_000), Math.floor(random() * 1e6))

/** Other bytes of the same size; of those again, the first ones. */
const invert = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x55))

const file = ({ directory }: World): string => join(directory, 'file')
const old = Buffer.from('old')

/** `earlier` are versions of the object that a killed run may have downloaded. */
const checkFile = async (
  world: World,
  bytes: Buffer,
  result: Result,
  earlier: ReadonlyArray<Buffer> = [old]
): Promise<ReadonlyArray<string>> => {
  const content = existsSync(file(world)) ? readFileSync(file(world)) : undefined
  const left = readdirSync(world.directory).filter((name) => /cospipe/.test(name))
  if (E.isRight(result))
    return [
      ...(content?.equals(bytes) === true ? [] : ['the file has other bytes']),
      ...(left.length > 0 ? [`files are left: ${left.join(', ')}`] : [])
    ]
  return content === undefined || [...earlier, bytes].some((version) => content.equals(version))
    ? []
    : ['the file is incomplete']
}

const uploadStream = (world: World, client: Client, bytes: Buffer): Promise<Result> =>
  Cos.uploadStream({ bucket: world.bucket, key, partSize, concurrency: 3 })(chunks(bytes, world.random))(
    client
  )()

const downloadFile = (world: World, client: Client): Promise<Result> =>
  Cos.downloadFile({
    ...{ bucket: world.bucket, key, file: file(world), threshold: 0, partSize: 10_000, concurrency: 3 },
    durable: false
  })(client)()

const prepareDownload = async (world: World): Promise<Buffer> => {
  writeFileSync(file(world), old)
  return put(world, drawSmall(world))
}

const prepareFile = async (world: World): Promise<Buffer> => {
  const bytes = await draw(world)
  writeFileSync(file(world), bytes)
  return bytes
}

const uploadFile = (world: World, client: Client): Promise<Result> =>
  Cos.uploadFile({
    ...{ bucket: world.bucket, key, file: file(world), threshold: 0, partSize, concurrency: 3 },
    checkpoint: join(world.directory, 'checkpoints')
  })(client)()

const copy = ({ bucket }: World, client: Client): Promise<Result> =>
  Cos.copy({
    ...{ bucket, key, threshold: 0, partSize, concurrency: 3 },
    copySource: { bucket, region: 'ap-guangzhou', key: 'source' }
  })(client)()

const checkUpload = (world: World, bytes: Buffer, result: Result): Promise<ReadonlyArray<string>> =>
  both(checkStored(world, bytes, result), checkUploads(world, result))

const both = async (...all: ReadonlyArray<Promise<ReadonlyArray<string>>>): Promise<ReadonlyArray<string>> =>
  (await Promise.all(all)).flat()

export const scenarios: ReadonlyArray<Scenario> = [
  {
    name: 'uploadStream',
    prepare: draw,
    run: uploadStream,
    check: checkUpload,
    mostInFlight: 3
  },
  {
    name: 'downloadFile, killed',
    prepare: prepareDownload,
    run: downloadFile,
    check: checkFile,
    mostInFlight: 3,
    survivesKill: true
  },
  {
    name: 'uploadFile, killed',
    prepare: prepareFile,
    run: uploadFile,
    check: checkStored,
    mostInFlight: 3,
    survivesKill: true
  },
  {
    name: 'uploadFile, killed, of a file that is replaced',
    prepare: prepareFile,
    run: uploadFile,
    betweenKills: async (world, bytes) => {
      bytes.set(invert(bytes))
      writeFileSync(file(world), bytes)
    },
    check: checkStored,
    mostInFlight: 3,
    survivesKill: true
  },
  {
    name: 'uploadFile, aborted',
    prepare: prepareFile,
    run: uploadFile,
    check: checkUpload,
    isAborted: true,
    mostInFlight: 3
  },
  {
    name: 'uploadDirectory, aborted',
    prepare: async (world) => {
      const bytes = await draw(world)
      mkdirSync(join(world.directory, 'files'))
      for (const name of ['a', 'b']) writeFileSync(join(world.directory, 'files', name), bytes)
      return bytes
    },
    run: ({ bucket, directory }, client) =>
      Cos.collect(
        Cos.uploadDirectory({
          ...{ bucket, prefix: '', directory: join(directory, 'files'), threshold: 0, partSize },
          ...{ concurrency: 2, partConcurrency: 2, checkpoint: join(directory, 'checkpoints') }
        })
      )(client)(),
    check: checkUpload,
    isAborted: true,
    mostInFlight: 4
  },
  {
    name: 'copy in parts',
    prepare: async (world) => put(world, await draw(world), 'source'),
    run: copy,
    check: checkUpload,
    mostInFlight: 3
  },
  {
    name: 'copy in parts, aborted',
    prepare: async (world) => put(world, await draw(world), 'source'),
    run: copy,
    check: checkUpload,
    isAborted: true,
    mostInFlight: 3
  },
  {
    name: 'downloadStream',
    prepare: (world) => put(world, drawSmall(world)),
    run: async ({ bucket }, client) => {
      const result = await Cos.downloadStream({ bucket, key, partSize: MiB, concurrency: 3 })(client)()
      return E.isLeft(result) ? result : Cos.toBuffer(MiB)(result.right)(client)()
    },
    check: async (_world, bytes, result) =>
      E.isRight(result) && !bytes.equals(result.right as Buffer) ? ['the stream has other bytes'] : [],
    mostInFlight: 3
  },
  {
    name: 'uploadStream, the source fails',
    prepare: draw,
    run: (world, client, bytes) => {
      const yieldThenBreak = async function* () {
        yield* chunks(bytes, world.random)
        throw new Error('disk')
      }
      return Cos.uploadStream({ bucket: world.bucket, key, partSize, concurrency: 3 })(yieldThenBreak())(
        client
      )()
    },
    check: async (world, _bytes, result) => [
      ...(E.isRight(result) ? ['a source that fails was stored'] : []),
      ...(await checkUploads(world, result))
    ],
    isExpected: ({ _tag }) => _tag === 'SourceError',
    mostInFlight: 3
  },
  {
    name: 'uploadStream, aborted',
    prepare: draw,
    run: uploadStream,
    check: checkUpload,
    isAborted: true,
    mostInFlight: 3
  },
  {
    name: 'downloadFile, aborted, then again',
    prepare: prepareDownload,
    run: downloadFile,
    check: async (world, bytes, result) => {
      const problems = await checkFile(world, bytes, result)
      if (E.isRight(result)) return problems
      const first = await downloadFile(world, world.clean)
      // The aborted run may have recorded a range that was damaged: COS has no checksum of it.
      const isDamaged = world.network.flips && E.isLeft(first) && first.left._tag === 'IntegrityError'
      const again = isDamaged ? await downloadFile(world, world.clean) : first
      return [
        ...problems,
        ...(E.isLeft(again) ? [`the next run: ${Cos.formatError(again.left)}`] : []),
        ...(await checkFile(world, bytes, again))
      ]
    },
    isAborted: true,
    mostInFlight: 3
  },
  {
    name: 'downloadFile, killed, of an object that is replaced',
    prepare: prepareDownload,
    run: downloadFile,
    // The same size: only the ETag tells.
    betweenKills: async (world, bytes) => {
      bytes.set(invert(bytes))
      await put(world, bytes)
    },
    check: (world, bytes, result) => checkFile(world, bytes, result, [old, invert(bytes)]),
    survivesKill: true,
    mostInFlight: 3
  },
  {
    name: 'putObject of a stream, then getObject',
    prepare: async (world) => drawSmall(world),
    run: async ({ bucket, random }, client, bytes) => {
      // Read once: a fault is final. So the first is one that can be sent again.
      const body = { size: bytes.length, open: () => chunks(bytes, random) }
      const stored = await Cos.send(Cos.putObject({ bucket, key, body }))(client)()
      if (E.isLeft(stored)) return stored
      const got = await Cos.send(Cos.getObject({ bucket, key }))(client)()
      return E.isLeft(got) ? got : Cos.toBuffer(MiB)(got.right)(client)()
    },
    check: async (world, bytes, result) => [
      ...(await checkStored(world, bytes, result)),
      ...(E.isRight(result) && !bytes.equals(result.right as Buffer) ? ['other bytes were read'] : [])
    ],
    mostInFlight: 1
  }
]
