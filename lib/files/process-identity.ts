/** Lock names that identify the owner process, so that a process that finds a lock can tell if its owner is alive. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf } from '../core/error.js'

/** For example `3f9a1c02-4711-88123-9f3b2c5d1e70`: machine, process id, process start time, and a random number. */
const namePattern = /^([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-[0-9a-f]{12}$/

const unknown = '0'

const empty = (): string => ''

// A process id is unique only within one boot of one machine, and within one container (PID namespace).
const readMachineId = async (): Promise<string> => {
  const scopes = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(empty),
    readlink('/proc/self/ns/pid').catch(empty)
  ])
  return createHash('sha256')
    .update([hostname(), ...scopes].join('\n'))
    .digest('hex')
    .slice(0, 8)
}

interface Process {
  /** Start time in ticks since boot. If a process id is reused, the new process has another start time. */
  readonly startTime: string
  readonly isDead: boolean
}

/** Undefined if `/proc/PID/stat` cannot be read. */
const readProcess = async (pid: number): Promise<Process | undefined> => {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(empty)
  // `pid (name) state ppid ...`: the name may contain spaces and brackets.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const startTime = fields[18]
  // Z: a zombie, which is dead but not yet reaped by its parent.
  return startTime === undefined ? undefined : { startTime, isDead: state === 'Z' || state === 'X' }
}

const readOwnIdentity = async (): Promise<string> =>
  [await readMachineId(), String(process.pid), (await readProcess(process.pid))?.startTime ?? unknown].join(
    '-'
  )
let cachedIdentity: Promise<string> | undefined
const ownIdentity = (): Promise<string> => (cachedIdentity ??= readOwnIdentity())

/** Returns a new lock name of this process. Each call returns a different name. */
export const newLockName = async (): Promise<string> =>
  `${await ownIdentity()}-${randomBytes(6).toString('hex')}`

export const isLockName = (text: string): boolean => namePattern.test(text)

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return codeOf(thrown) !== 'ESRCH'
  }
}

/**
 * Whether the owner process of a lock name is alive. Undefined if only the heartbeat of the lock can tell: the owner is on
 * another machine, or the system reports no process start times and the process id may have been reused.
 */
export const isOwnerAlive = async (name: string): Promise<boolean | undefined> => {
  const [, ownerMachine, number, startTime] = namePattern.exec(name) ?? []
  const [ownMachine] = (await ownIdentity()).split('-')
  if (ownerMachine !== ownMachine || number === undefined) return undefined
  const pid = Number(number)
  if (!exists(pid)) return false
  const found = await readProcess(pid)
  if (found === undefined || startTime === unknown) return undefined
  return !found.isDead && found.startTime === startTime
}
