/** The directory of a store: its creation, and the lock that keeps other emulators out. */
import { createHash, randomUUID } from 'node:crypto'
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

const ignoreCode =
  <A>(code: string, value: A) =>
  (thrown: unknown): A => {
    if (codeOf(thrown) !== code) throw thrown
    return value
  }

/** Of the process that may replace a lock with this text. */
const successorOf = (path: string, text: string): string =>
  `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`

/**
 * Creates a lock at `path` with the content of `draft`, or replaces that of a dead process.
 *
 * Of all processes that find the same dead lock, the one that has the lock of its successor replaces it, so a living lock is
 * never removed by another process. The successor's lock may be left by a dead process too, and is replaced in the same way.
 */
const claim = async (draft: string, path: string): Promise<void> => {
  for (;;) {
    // A link, so that a lock that another process reads is never incomplete.
    const isCreated = await link(draft, path).then(() => true, ignoreCode('EEXIST', false))
    if (isCreated) break
    const text = await readFile(path, 'utf8').catch(ignoreCode('ENOENT', undefined))
    if (text === undefined) continue
    const owner = parseOwner(text)
    if (owner !== undefined && (await isRunning(owner, path))) throw new InUse(owner.pid)
    const successor = successorOf(path, text)
    await claim(draft, successor)
    held.delete(successor)
    // Another process may have replaced the lock before, and removed the name of the successor with it.
    if ((await readFile(path, 'utf8').catch(ignoreCode('ENOENT', undefined))) === text) {
      await rename(successor, path)
      break
    }
    await rm(successor)
  }
  held.add(path)
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
  const id = randomUUID()
  const draft = `${path}.${id}`
  await writeFile(
    draft,
    JSON.stringify({ pid: process.pid, ...(started === undefined ? {} : { started }), id })
  )
  try {
    await claim(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  return async () => {
    if (held.delete(path)) await rm(path, { force: true })
  }
}
