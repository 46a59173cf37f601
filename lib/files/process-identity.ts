/** Who is at work on a file, said in a name, so that whoever finds the name can tell whether its owner still lives. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf } from '../core/error.js'

/** Such as `3f9a1c02-4711-88123-9f3b2c5d1e70`: machine, process, when that began, and a number of its own. */
const form = /^([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-[0-9a-f]{12}$/

const unknown = '0'

const empty = (): string => ''

// The numbers of processes mean something within one boot of one machine, and there within one container.
const machine = async (): Promise<string> => {
  const within = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(empty),
    readlink('/proc/self/ns/pid').catch(empty)
  ])
  return createHash('sha256')
    .update([hostname(), ...within].join('\n'))
    .digest('hex')
    .slice(0, 8)
}

interface Process {
  /** When it began, in ticks since boot; a number that is used again has another. */
  readonly started: string
  readonly dead: boolean
}

/** None where the system does not say. */
const readProcess = async (pid: number): Promise<Process | undefined> => {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(empty)
  // `pid (name) state ppid ...`: a name may have spaces and brackets of its own.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = fields[18]
  // Z: killed, and its parent has not asked yet.
  return started === undefined ? undefined : { started, dead: state === 'Z' || state === 'X' }
}

const me = async (): Promise<string> =>
  [await machine(), String(process.pid), (await readProcess(process.pid))?.started ?? unknown].join('-')
let cachedIdentity: Promise<string> | undefined
const ownIdentity = (): Promise<string> => (cachedIdentity ??= me())

/** A name for what this process does now; each call gives another. */
export const newLockName = async (): Promise<string> =>
  `${await ownIdentity()}-${randomBytes(6).toString('hex')}`

export const isLockName = (text: string): boolean => form.test(text)

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return codeOf(thrown) !== 'ESRCH'
  }
}

/**
 * Whether the owner of that name still lives. Undefined where only its signs of life can tell: on another machine, or
 * where a process does not say when it began and its number may have been used again.
 */
export const isOwnerAlive = async (name: string): Promise<boolean | undefined> => {
  const [, where, number, started] = form.exec(name) ?? []
  const [here] = (await ownIdentity()).split('-')
  if (where !== here || number === undefined) return undefined
  const pid = Number(number)
  if (!exists(pid)) return false
  const found = await readProcess(pid)
  if (found === undefined || started === unknown) return undefined
  return !found.dead && found.started === started
}
