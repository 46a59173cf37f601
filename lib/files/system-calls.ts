/**
 * System calls by the callbacks of `node:fs`, which take half the CPU time of those of `node:fs/promises` (26 us instead of
 * 49, of which the system call itself is 5; Node 20). For transfers of thousands of small files.
 */
import { lstat, rename, stat, type Stats } from 'node:fs'

export type Settle<A> = (error: Error | null, value: A) => void

/** @example promised<number>((settle) => open(path, flags, settle)) */
export const fromCallback = <A>(call: (settle: Settle<A>) => void): Promise<A> =>
  new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) resolve(value)
      else reject(error)
    })
  })

export const statPath = (path: string): Promise<Stats> =>
  fromCallback((settle) => {
    stat(path, settle)
  })

export const lstatPath = (path: string): Promise<Stats> =>
  fromCallback((settle) => {
    lstat(path, settle)
  })

export const renamePath = (from: string, to: string): Promise<undefined> =>
  fromCallback<undefined>((settle) => {
    rename(from, to, (error) => {
      settle(error, undefined)
    })
  })
