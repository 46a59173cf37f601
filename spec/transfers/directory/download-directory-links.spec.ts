/** A local program replaces folders by links while they are downloaded into. */
import { spawn } from 'node:child_process'
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { downloadDirectory } from '../../../lib/transfers/directory/download-directory.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { bucket, startCos } from '../../support/cos.js'
import { readTree } from '../../support/file-trees.js'
import { right } from '../../support/server.js'
import { isLongForm } from '../../support/long-form.js'

// Every folder, the temporary one included, is by turns itself and a link out of the directory. Sync calls: no turn of a loop
// between the two halves of a swap.
const swapFolders = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
  const { join } = require('node:path')
  const [root, outside, ...names] = process.argv.slice(1)
  const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  const tried = (act) => { try { act(); return true } catch { return false } }
  let swaps = 0
  process.on('SIGTERM', () => undefined)
  const end = Date.now() + 60_000
  for (let n = 0; Date.now() < end; n += 1) {
    const folder = join(root, names[n % names.length])
    const aside = join(root, 'aside-' + String(n))
    if (!tried(() => renameSync(folder, aside))) { sleep(1); continue }
    tried(() => symlinkSync(outside, folder))
    sleep(1 + (n % 3))
    tried(() => unlinkSync(folder))
    tried(() => renameSync(aside, folder))
    if ((swaps += 1) % 20 === 0) process.stdout.write('.')
    sleep(n % 3)
  }
`

if (process.platform === 'linux') {
  t.test('folders that are swapped for links all the time lead no file outside', async (t) => {
    const keys = Array.from(
      { length: isLongForm ? 150 : 75 },
      (_, n) => `${['', 'd/', 'd/e/'][n % 3] ?? ''}f${String(n)}`
    )
    const cos = await startCos(t, { seed: keys.map((key, n) => ({ bucket, key, size: 100 + n })) })
    const dir = await realpath(t.testdir({ root: { d: { e: {} } }, outside: {} }))
    const [root, outside] = [join(dir, 'root'), join(dir, 'outside')]
    const attacker = spawn(process.execPath, [
      ...['-e', swapFolders, root, outside],
      ...['d', 'd/e', '.cospipe-download', 'd/f4.cospipe-download']
    ])
    t.teardown(() => attacker.kill('SIGKILL'))
    let swaps = 0
    attacker.stdout.on('data', (dots: Buffer) => (swaps += 20 * dots.length))

    const client = cos.client()
    const run = (input: object) =>
      collect(downloadDirectory({ bucket, directory: root, skip: 'never', concurrency: 8, ...input }))(
        client
      )()
    let downloaded = 0
    const [leastSwaps, leastRounds] = isLongForm ? [200, 4] : [60, 2]
    for (let round = 0; round < 40 && (swaps < leastSwaps || round < leastRounds); round += 1) {
      // Small objects go through the shared temporary directory, others through one beside each file.
      const entries = right(await run({ threshold: round % 2 === 0 ? 1000 : 0 }))
      t.equal(entries.length, keys.length)
      downloaded += entries.filter(({ _tag }) => _tag === 'Downloaded').length
      if ((await readdir(outside)).length > 0) break
    }
    attacker.kill('SIGKILL')
    t.same(await readTree(outside), {}, `nothing outside, after ${String(swaps)} swaps`)
    t.ok(swaps > 0)
    t.ok(downloaded > 0, `${String(downloaded)} files were written`)
  })
}
