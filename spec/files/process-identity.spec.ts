import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import t from 'tap'
import { isOwnerAlive, isLockName, newLockName } from '../../lib/files/process-identity.js'

/** Where a process says when it began, there is no doubt about it. */
const certain = existsSync('/proc/self/stat')

const named = (name: string, change: Partial<{ machine: string; pid: number; started: string }>): string => {
  const [machine = '', pid = '', started = '', nonce = ''] = name.split('-')
  return [change.machine ?? machine, String(change.pid ?? pid), change.started ?? started, nonce].join('-')
}

t.test('each name is another, and all are of a living owner', async (t) => {
  const names = await Promise.all(Array.from({ length: 20 }, newLockName))
  t.equal(new Set(names).size, 20)
  for (const name of names) {
    t.ok(isLockName(name), name)
    t.equal(await isOwnerAlive(name), certain ? true : undefined)
  }
})

t.test('a name is nothing else', async (t) => {
  for (const text of ['', 'part', 'journal', '../../etc/passwd', '0-0-0-0', `${await newLockName()}/x`]) {
    t.notOk(isLockName(text), text)
  }
})

t.test('an owner that was killed is dead at once', async (t) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  t.equal(await isOwnerAlive(named(await newLockName(), { pid: child.pid! })), false)
})

t.test('a number that was used again is not taken for its first owner', async (t) => {
  const name = await newLockName()
  t.equal(await isOwnerAlive(named(name, { started: '12' })), certain ? false : undefined)
  t.equal(await isOwnerAlive(named(name, { started: '0' })), undefined)
})

t.test('what is on another machine is out of sight', async (t) => {
  t.equal(await isOwnerAlive(named(await newLockName(), { machine: '00000000' })), undefined)
  t.equal(await isOwnerAlive('no name'), undefined)
})
