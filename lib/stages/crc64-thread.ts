/** One thread for all clients of the process that computes CRC64, so that hashing takes no time of the event loop. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { crc64 } from '../core/crc64.js'
import { KiB, MiB } from '../core/limits.js'

/** A message to the thread. */
export interface Job {
  readonly id: number
  /** Views of shared memory. */
  readonly chunks: ReadonlyArray<Uint8Array>
}

/** A message from the thread. */
export interface Reply {
  readonly id: number
  readonly crc64: bigint
}

/** Shared memory that bytes are copied into. */
export interface Slab {
  readonly bytes: Uint8Array
  /** Computes the CRC64 of the first `size` bytes, and makes the slab free again. */
  readonly hash: (size: number) => Promise<bigint>
  /** Makes the slab free again, without a hash. */
  readonly release: () => void
}

export interface Crc64Thread {
  /** A free slab. None while all slabs wait for the thread, or if threads are not available: the caller hashes. */
  readonly take: () => Slab | undefined
  /** The CRC64 of views of shared memory. None if the thread has enough work, or if threads are not available. */
  readonly hash: (chunks: ReadonlyArray<Uint8Array>) => Promise<bigint> | undefined
}

// In bytes. A thread takes time to start: a smaller transfer would be hashed before.
export const threadAfter = 32 * MiB

export const slabSize = 512 * KiB
// Four ranges that are downloaded in parallel fill one each, and as many wait for the thread.
const maxSlabs = 8
// In bytes: with more work than this, a part would wait longer for the thread than hashing it here takes.
const maxBacklog = 16 * MiB

interface Pending {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly size: number
  readonly settle: (crc64: bigint) => void
}

const sizeOf = (chunks: ReadonlyArray<Uint8Array>): number =>
  chunks.reduce((sum, { length }) => sum + length, 0)

export interface Crc64ThreadOptions {
  /** The file that the thread runs. It may throw: a bundle in CommonJS has no `import.meta.url`. */
  readonly module: () => URL
  /**
   * Processors that are available. With fewer than three no thread is started: beside a server on the same machine with
   * two, it cost 8 to 20 % of the throughput (Node 20.20).
   */
  readonly parallelism?: number
  /** In milliseconds: a thread without work ends after this time. Default: 5 s. */
  readonly idleTimeout?: number
}

/**
 * Makes a thread that starts with the first bytes and ends when it is idle. It does not keep the process alive, except
 * while bytes are hashed.
 *
 * Threads may be missing: Node's permission model forbids them, a bundle has no file for them, or memory is short. Then
 * the bytes are hashed here, and no further thread is started. The bytes are in shared memory, so none are lost with the
 * thread.
 */
export const createCrc64Thread = ({
  module,
  parallelism = availableParallelism(),
  idleTimeout = 5_000
}: Crc64ThreadOptions): Crc64Thread => {
  const pending = new Map<number, Pending>()
  const free: Array<Uint8Array> = []
  let slabs = 0
  let backlog = 0
  let nextId = 0
  let isAvailable = parallelism > 2
  let worker: Worker | undefined
  let idle: NodeJS.Timeout | undefined

  /** Hashes here what the thread has not hashed. */
  const fail = (): void => {
    isAvailable = false
    worker = undefined
    const jobs = [...pending.values()]
    pending.clear()
    backlog = 0
    for (const { chunks, settle } of jobs) void crc64(...chunks).then(settle)
  }
  const stop = (): void => {
    const stopped = worker
    worker = undefined
    slabs -= free.length
    free.length = 0
    void stopped?.terminate()
  }
  const start = (): Worker => {
    const started = new Worker(module(), { execArgv: [], env: {}, name: 'cospipe crc64' })
    started.on('message', ({ id, crc64: sum }: Reply) => {
      const job = pending.get(id)
      if (job === undefined) return
      pending.delete(id)
      backlog -= job.size
      job.settle(sum)
      if (pending.size > 0) return
      started.unref()
      clearTimeout(idle)
      idle = setTimeout(stop, idleTimeout).unref()
    })
    started.on('error', () => {
      if (worker === started) fail()
    })
    started.on('exit', () => {
      if (worker === started) fail()
    })
    return started
  }
  const post = (job: Job): void => {
    try {
      worker ??= start()
      clearTimeout(idle)
      worker.ref()
      worker.postMessage(job)
    } catch {
      fail()
    }
  }
  const hash = (chunks: ReadonlyArray<Uint8Array>): Promise<bigint> =>
    new Promise((settle) => {
      const id = (nextId += 1)
      const size = sizeOf(chunks)
      backlog += size
      pending.set(id, { chunks, size, settle })
      post({ id, chunks })
    })
  const slabOf = (memory: Uint8Array): Slab => ({
    bytes: memory,
    hash: (size) =>
      hash([memory.subarray(0, size)]).finally(() => {
        free.push(memory)
      }),
    release: () => {
      free.push(memory)
    }
  })
  return {
    take: () => {
      if (!isAvailable) return undefined
      const memory = free.pop()
      if (memory !== undefined) return slabOf(memory)
      if (slabs >= maxSlabs) return undefined
      slabs += 1
      return slabOf(new Uint8Array(new SharedArrayBuffer(slabSize)))
    },
    hash: (chunks) => (isAvailable && backlog <= maxBacklog ? hash(chunks) : undefined)
  }
}

/** The thread of this process. */
export const crc64Thread: Crc64Thread = createCrc64Thread({
  module: () => new URL('./crc64-worker.js', import.meta.url)
})
