/** A client that the benchmarks compare. A function that is missing: the client has no such call. */
import type { Readable } from 'node:stream'
import { MiB } from './measure.js'

export const bucket = 'examplebucket-1250000000'
export const region = 'ap-guangzhou'
export const cosHost = `${bucket}.cos.${region}.myqcloud.com`

/** The same for every client. */
export const partSize = 8 * MiB
export const inFlight = 4
/** Files of a directory at once. */
export const fileConcurrency = 16

export interface Peer {
  readonly name: string
  /** How the bytes are checked, up and down. */
  readonly integrity: string
  readonly put?: (key: string, body: Buffer) => Promise<unknown>
  readonly head?: (key: string) => Promise<unknown>
  /** Uploads a stream of unknown length. */
  readonly upload?: (key: string, chunks: () => AsyncIterable<Uint8Array>) => Promise<unknown>
  readonly download?: (key: string) => Promise<Readable>
  readonly downloadFile?: (key: string, path: string) => Promise<unknown>
  /** Lists all keys with the prefix, and returns their number. */
  readonly list?: (prefix: string) => Promise<number>
  readonly uploadDirectory?: (directory: string, names: ReadonlyArray<string>) => Promise<unknown>
  readonly downloadDirectory?: (prefix: string, directory: string) => Promise<unknown>
  readonly close?: () => void | Promise<void>
}
