/**
 * Runs steps on the locks of `lib/files` and kills itself before the call number `at` to the file system. Arguments: the
 * directory of the bundled programs, the name of the scenario, a directory, `at`. Prints `done` if there was no such call.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const [bundled, scenario, directory, at] = process.argv.slice(2)
let calls = 0
let isCounting = false
const counted = (call) =>
  async function (...args) {
    if (isCounting && (calls += 1) === Number(at)) process.kill(process.pid, 'SIGKILL')
    return call.apply(this, args)
  }
for (const name of [
  'open',
  'mkdir',
  'rename',
  'unlink',
  'rm',
  'rmdir',
  'readdir',
  'lstat',
  'stat',
  'readFile',
  'writeFile'
]) {
  const call = fs[name]
  fs[name] = counted(async (...args) => {
    const result = await call(...args)
    // Of a file handle, the steps count too.
    if (name === 'open')
      for (const step of ['writeFile', 'sync', 'close']) result[step] = counted(result[step])
    return result
  })
}
syncBuiltinESMExports()

const load = (path) => import(pathToFileURL(join(bundled, path)).href)
const { acquireDownloadSlot } = await load('download-lock.js')
const { uploadCheckpoints } = await load('upload-checkpoint.js')
const context = { operation: 'spec', bucket: '', key: { _tag: 'None' }, attempts: 0 }
const acquire = () =>
  acquireDownloadSlot(context, join(directory, 'a.bin'), new globalThis.AbortController().signal)
const checkpoints = uploadCheckpoints(directory, 'target')

const scenarios = {
  'acquire and release': async () => {
    const slot = await acquire()
    await fs.writeFile(slot.part, 'x')
    await slot.release(false)
  },
  'acquire and keep': async () => {
    await (await acquire()).release(true)
  },
  create: async () => {
    await (await checkpoints.create('upload-1')).release()
  },
  'claim and release': async () => {
    await (await checkpoints.claim())?.release()
  },
  'claim and remove': async () => {
    await (await checkpoints.claim())?.remove()
  }
}
isCounting = true
await scenarios[scenario]()
isCounting = false
process.stdout.write('done\n')
