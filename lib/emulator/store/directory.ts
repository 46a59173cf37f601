/** The directory of a store: its creation, and the lock that keeps other emulators out. */
import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { codeOf } from '../../core/error.js'

// -- creation --
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false
  )

/**
 * Creates a directory and its parents. `mkdir` with `recursive` does not return if a parent exists and refuses new
 * entries with ENOENT, as /proc does (Node 20.20).
 */
export const createDirectory = async (path: string): Promise<void> => {
  const full = resolve(path)
  const parent = dirname(full)
  if (parent !== full && !(await exists(parent))) await createDirectory(parent)
  await mkdir(full).catch((thrown: unknown) => {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
  })
}

// -- lock --
/** Thrown if another running emulator uses the directory. */
export class InUse extends Error {
  readonly pid: number
  constructor(pid: number) {
    super(`in use by process ${String(pid)}`)
    this.pid = pid
  }
}

const Owner = t.readonly(t.intersection([t.type({ pid: t.number }), t.partial({ started: t.string })]))
type Owner = t.TypeOf<typeof Owner>

/** The start time of a process in clock ticks since boot; undefined without /proc, or if there is no such process. */
const startOf = (pid: number): Promise<string | undefined> =>
  readFile(`/proc/${String(pid)}/stat`, 'utf8').then(
    // The second field is the program's name in parentheses, and may contain spaces and parentheses.
    (text) => text.slice(text.lastIndexOf(')') + 2).split(' ')[19],
    () => undefined
  )

// The locks of this process: their owner's process id says nothing if an earlier process had the same one, as process 1
// of a container always has.
const held = new Set<string>()

const isRunning = async ({ pid, started }: Owner, path: string): Promise<boolean> => {
  if (pid === process.pid && started === undefined) return held.has(path)
  const now = await startOf(pid)
  if (started !== undefined && now !== undefined) return started === now
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    // EPERM: the process runs, as another user.
    return codeOf(thrown) === 'EPERM'
  }
}

const parseOwner = (text: string): Owner | undefined => {
  const json = E.tryCatch(
    (): unknown => JSON.parse(text),
    () => undefined
  )
  const owner = E.chain((value: unknown) => E.mapLeft(() => undefined)(Owner.decode(value)))(json)
  return E.isRight(owner) && Number.isInteger(owner.right.pid) && owner.right.pid > 0
    ? owner.right
    : undefined
}

/** Removes a lock with this text; puts back a lock that another process has created meanwhile. */
const removeStale = async (path: string, text: string): Promise<void> => {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return
    throw thrown
  }
  if ((await readFile(aside, 'utf8')) !== text) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

/**
 * Locks a directory for this process. The lock of a process that no longer runs is taken over.
 *
 * @shape  a function that releases the lock
 * @errors throws `InUse` with the owner's process id
 */
export const lockDirectory = async (dir: string): Promise<() => Promise<void>> => {
  const path = join(resolve(dir), 'lock')
  const started = await startOf(process.pid)
  const own = JSON.stringify({ pid: process.pid, ...(started === undefined ? {} : { started }) })
  // Written aside and linked, so that a lock that another process sees is never incomplete.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, own)
  try {
    for (;;) {
      const taken = await link(draft, path).then(
        () => true,
        (thrown: unknown) => {
          if (codeOf(thrown) !== 'EEXIST') throw thrown
          return false
        }
      )
      if (taken) {
        held.add(path)
        break
      }
      const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
        if (codeOf(thrown) !== 'ENOENT') throw thrown
        return undefined
      })
      if (text === undefined) continue
      const owner = parseOwner(text)
      if (owner !== undefined && (await isRunning(owner, path))) throw new InUse(owner.pid)
      await removeStale(path, text)
    }
  } finally {
    await rm(draft, { force: true })
  }
  return async () => {
    if (held.delete(path)) await rm(path, { force: true })
  }
}
