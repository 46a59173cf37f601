/** Lock names of processes that do not run on this machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { newLockName } from '../../lib/files/process-identity.js'

/** The lock name of a process that has ended. */
export const lockNameOfDeadProcess = async (): Promise<string> => {
  const [machine, , started, nonce] = (await newLockName()).split('-')
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await once(child, 'exit')
  return [machine, String(child.pid), started, nonce].join('-')
}

/** The lock name of a process on another machine. */
export const lockNameOfOtherMachine = async (): Promise<string> => {
  const [, , started, nonce] = (await newLockName()).split('-')
  return ['00000000', '1', started, nonce].join('-')
}
