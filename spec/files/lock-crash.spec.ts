/** A process that is killed between any two steps of a lock leaves no lock that stays, and never two owners. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { acquireDownloadSlot, type DownloadSlot } from '../../lib/files/download-lock.js'
import { uploadCheckpoints } from '../../lib/files/upload-checkpoint.js'
import { bundledPrograms } from '../support/child-processes.js'
import { isLongForm } from '../support/long-form.js'
import { lockNameOfDeadProcess } from '../support/lock-names.js'

type Scenario =
  'acquire and release' | 'acquire and keep' | 'create' | 'claim and release' | 'claim and remove'

/** Runs a scenario in a process that is killed before step `at`; whether it was killed. */
const crash = async (scenario: Scenario, directory: string, at: number): Promise<boolean> => {
  const script = join(import.meta.dirname, '../support/crash-child.mjs')
  const command = [
    '-u',
    'NODE_OPTIONS',
    process.execPath,
    script,
    bundledPrograms,
    scenario,
    directory,
    String(at)
  ]
  const child = spawn('env', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (child.exitCode !== 0 && child.signalCode !== 'SIGKILL') throw new Error('the child failed')
  return output !== 'done\n'
}

// The short form takes every thirteenth step, because each takes a process.
const stride = isLongForm ? 1 : 13

/** Kills the scenario before each of its steps, each time in another directory. */
const atEachStep = async (
  t: Test,
  scenario: Scenario,
  prepare: (directory: string) => Promise<void>,
  check: (directory: string, step: string) => Promise<void>
): Promise<void> => {
  const root = t.testdir({})
  let steps = 1 - stride
  for (let isKilled = true; isKilled;) {
    steps += stride
    const directory = join(root, String(steps))
    await mkdir(directory)
    await prepare(directory)
    isKilled = await crash(scenario, directory, steps)
    await check(directory, `${scenario}, step ${String(steps)}`)
  }
  t.ok(steps > 3, `${String(steps - 1)} steps`)
}

const acquire = (directory: string): Promise<DownloadSlot> =>
  acquireDownloadSlot(contextWithoutObject('spec'), join(directory, 'a.bin'), new AbortController().signal)
const doNothing = (): Promise<void> => Promise.resolve()

t.test('the next process has the lock alone and leaves nothing behind', async (t) => {
  for (const scenario of ['acquire and release', 'acquire and keep'] as const) {
    await atEachStep(t, scenario, doNothing, async (directory, step) => {
      const slot = await acquire(directory)
      t.ok(slot.exclusive, step)
      await slot.release(false)
      t.same(await readdir(directory), [], step)
    })
  }
})

t.test('a lock of a dead process is replaced, and its partial file is kept', async (t) => {
  const dead = await lockNameOfDeadProcess()
  const folder = (directory: string): string => join(directory, 'a.bin.cospipe-download')
  const prepare = async (directory: string): Promise<void> => {
    await mkdir(folder(directory))
    for (const name of [`${dead}.lock`, `${dead}.part`, 'part', 'journal'])
      await writeFile(join(folder(directory), name), name)
  }
  await atEachStep(t, 'acquire and keep', prepare, async (directory, step) => {
    const slot = await acquire(directory)
    t.ok(slot.exclusive, step)
    t.equal(await readFile(slot.part, 'utf8'), 'part', step)
    await slot.release(false)
    t.same(await readdir(directory), [], step)
  })
})

t.test('a living owner keeps its lock, and no other process is exclusive beside it', async (t) => {
  let owner: DownloadSlot | undefined
  const prepare = async (directory: string): Promise<void> => {
    owner = await acquire(directory)
    await writeFile(owner.part, 'mine')
  }
  await atEachStep(t, 'acquire and release', prepare, async (directory, step) => {
    const other = await acquire(directory)
    t.notOk(other.exclusive, step)
    await other.release(false)
    t.equal(await readFile(owner?.part ?? '', 'utf8'), 'mine', step)
    await owner?.release(false)
    t.same(await readdir(directory), [], step)
  })
})

const claims = async (directory: string): Promise<ReadonlyArray<string>> => {
  const checkpoints = uploadCheckpoints(directory, 'target')
  const ids: Array<string> = []
  for (;;) {
    const claim = await checkpoints.claim()
    if (claim === undefined) return ids
    ids.push(claim.uploadId)
    await claim.remove()
  }
}

t.test('a checkpoint is claimed by one later process, whole or not at all', async (t) => {
  await atEachStep(t, 'create', doNothing, async (directory, step) => {
    const ids = await claims(directory)
    t.ok(ids.length <= 1 && ids.every((id) => id === 'upload-1'), step)
    t.same(await readdir(directory), [], step)
  })
  const prepare = async (directory: string): Promise<void> => {
    await (await uploadCheckpoints(directory, 'target').create('upload-1')).release()
  }
  await atEachStep(t, 'claim and release', prepare, async (directory, step) => {
    t.same(await claims(directory), ['upload-1'], step)
    t.same(await readdir(directory), [], step)
  })
  await atEachStep(t, 'claim and remove', prepare, async (directory, step) => {
    t.ok((await claims(directory)).length <= 1, step)
    t.same(await readdir(directory), [], step)
  })
})
