/**
 * The emulator with a capacity that changes by steps, in a separate process. It sends its port to its parent, and after a
 * message the requests of each transfer: those below `to-0/` belong to the first.
 */
import * as E from 'fp-ts/lib/Either.js'
import { capacity, formatEmulatorError, startEmulator, type CapacityStep } from '../../lib/emulator/index.js'

export interface ServedRequest {
  /** Milliseconds since the first request. */
  readonly at: number
  readonly transfer: number
  readonly isRefused: boolean
}

/** Milliseconds of a request, as of a service on a network: 140 to 260, so that requests do not end together. */
const serviceTime = (): number => 140 + 120 * Math.random()

const steps = JSON.parse(process.argv[2] ?? '[]') as ReadonlyArray<CapacityStep>
const limit = capacity(steps)
const served: Array<ServedRequest> = []
let start: number | undefined

const started = await startEmulator({
  seed: Array.from({ length: 20_000 }, (_, n) => ({
    bucket: 'examplebucket-1250000000',
    key: `from/${String(n).padStart(5, '0')}`,
    size: 1
  })),
  keepRequests: 0,
  fault: (request) => {
    start ??= performance.now()
    return limit(request) ?? (request.operation === 'ListObjects' ? undefined : { delay: serviceTime() })
  },
  onRequest: ({ key, status }) => {
    const transfer = /^to-(\d+)\//.exec(key)?.[1]
    served.push({
      at: performance.now() - (start ?? 0),
      transfer: transfer === undefined ? -1 : Number(transfer),
      isRefused: status === 503
    })
  }
})()
if (E.isLeft(started)) throw new Error(formatEmulatorError(started.left))
process.on('message', () => process.send?.(served))
process.send?.(started.right.port)
