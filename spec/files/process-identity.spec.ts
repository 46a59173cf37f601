import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import t from 'tap'
import { isOwnerAlive, isLockName, newLockName } from '../../lib/files/process-identity.js'

/** Whether the system reports process start times, which make `isOwnerAlive` certain. */
const hasStartTimes = existsSync('/proc/self/stat')

const changeName = (
  name: string,
  change: Partial<{ machine: string; pid: number; started: string }>
): string => {
  const [machine = '', pid = '', started = '', nonce = ''] = name.split('-')
  return [change.machine ?? machine, String(change.pid ?? pid), change.started ?? started, nonce].join('-')
}

t.test('lock names are unique, and their owner process is reported alive', async (t) => {
  const names = await Promise.all(Array.from({ length: 20 }, newLockName))
  t.equal(new Set(names).size, 20)
  for (const name of names) {
    t.ok(isLockName(name), name)
    t.equal(await isOwnerAlive(name), hasStartTimes ? true : undefined)
  }
})

t.test('isLockName refuses text that is not a lock name', async (t) => {
  for (const text of ['', 'part', 'journal', '../../etc/passwd', '0-0-0-0', `${await newLockName()}/x`]) {
    t.notOk(isLockName(text), text)
  }
})

t.test('isOwnerAlive is false as soon as the owner process was killed', async (t) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  t.equal(await isOwnerAlive(changeName(await newLockName(), { pid: child.pid! })), false)
})

t.test(
  'isOwnerAlive is false if the process id was reused, and undefined without a start time',
  async (t) => {
    const name = await newLockName()
    t.equal(await isOwnerAlive(changeName(name, { started: '12' })), hasStartTimes ? false : undefined)
    t.equal(await isOwnerAlive(changeName(name, { started: '0' })), undefined)
  }
)

t.test('isOwnerAlive is undefined for an owner on another machine', async (t) => {
  t.equal(await isOwnerAlive(changeName(await newLockName(), { machine: '00000000' })), undefined)
  t.equal(await isOwnerAlive('no name'), undefined)
})
