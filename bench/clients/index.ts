/** The clients that the benchmarks compare. undici alone is first: it is the baseline. */
import type { Peer } from '../support/peer.js'
import { isShort } from '../support/settings.js'

interface Module {
  /** Returns `undefined` if the client is not installed. */
  readonly connect: (origin: string) => Peer | undefined
}

/** A process loads only the module of its client. */
const modules: Readonly<Record<string, () => Promise<Module>>> = {
  undici: () => import('./undici.js'),
  cospipe: () => import('./cospipe.js'),
  'cospipe-not-durable': () => import('./cospipe-not-durable.js'),
  'cos-nodejs-sdk': () => import('./cos-nodejs-sdk.js'),
  aws: () => import('./aws.js'),
  minio: () => import('./minio.js'),
  opendal: () => import('./opendal.js')
}

// The others are in bench/peers, which the short form does not install.
export const clientNames: ReadonlyArray<string> = Object.keys(modules).slice(0, isShort ? 4 : undefined)

export const connect = async (client: string, origin: string): Promise<Peer | undefined> =>
  (await modules[client]?.())?.connect(origin)
