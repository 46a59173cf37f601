import { appendFile, chmod, readdir, rename, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { defaultCheckpointDirectory, uploadCheckpoints } from '../../lib/files/upload-checkpoint.js'
import { lockNameOfDeadProcess, lockNameOfOtherMachine } from '../support/lock-names.js'

/** Gives the only checkpoint in the directory to another owner. */
const giveTo = async (directory: string, owner: string): Promise<void> => {
  const [name = ''] = await readdir(directory)
  await rename(join(directory, name), join(directory, `${name.slice(0, 33)}${owner}.cospipe-upload`))
}

t.test('a released checkpoint is claimed by the next run, and by one run only', async (t) => {
  const checkpoints = uploadCheckpoints(t.testdir({}), 'target')
  await (await checkpoints.create('upload-1')).release()
  const claims = await Promise.all([checkpoints.claim(), checkpoints.claim(), checkpoints.claim()])
  t.same(
    claims.flatMap((claim) => (claim === undefined ? [] : [claim.uploadId])),
    ['upload-1']
  )
})

t.test('a checkpoint of a living owner is not claimed', async (t) => {
  const checkpoints = uploadCheckpoints(t.testdir({}), 'target')
  await checkpoints.create('upload-1')
  t.equal(await checkpoints.claim(), undefined)
})

t.test('a checkpoint of a dead owner is claimed', async (t) => {
  const directory = t.testdir({})
  const checkpoints = uploadCheckpoints(directory, 'target')
  await checkpoints.create('upload-1')
  await giveTo(directory, await lockNameOfDeadProcess())
  t.equal((await checkpoints.claim())?.uploadId, 'upload-1')
})

t.test('a checkpoint of another machine is not claimed', async (t) => {
  const directory = t.testdir({})
  const checkpoints = uploadCheckpoints(directory, 'target')
  await checkpoints.create('upload-1')
  await giveTo(directory, await lockNameOfOtherMachine())
  t.equal(await checkpoints.claim(), undefined)
})

t.test('checkpoints of other targets are not claimed', async (t) => {
  const directory = t.testdir({})
  await (await uploadCheckpoints(directory, 'a').create('upload-1')).release()
  t.equal(await uploadCheckpoints(directory, 'b').claim(), undefined)
})

t.test('the newest checkpoint is claimed first', async (t) => {
  const directory = t.testdir({})
  const checkpoints = uploadCheckpoints(directory, 'target')
  await (await checkpoints.create('old')).release()
  const [old = ''] = await readdir(directory)
  await utimes(join(directory, old), 1, 1)
  await (await checkpoints.create('new')).release()
  t.equal((await checkpoints.claim())?.uploadId, 'new')
  t.equal((await checkpoints.claim())?.uploadId, 'old')
})

t.test('a checkpoint whose text was cut off is removed', async (t) => {
  const directory = t.testdir({})
  const checkpoints = uploadCheckpoints(directory, 'target')
  await (await checkpoints.create('upload-1')).release()
  const [name = ''] = await readdir(directory)
  await writeFile(join(directory, name), 'cospipe-upload 1 upl')
  t.equal(await checkpoints.claim(), undefined)
  t.same(await readdir(directory), [])
})

t.test('the directory is made for its owner alone, and only when a checkpoint is written', async (t) => {
  const directory = join(t.testdir({}), 'state', 'uploads')
  const checkpoints = uploadCheckpoints(directory, 'target')
  t.equal(await checkpoints.claim(), undefined)
  await t.rejects(stat(directory), { code: 'ENOENT' })
  const checkpoint = await checkpoints.create('upload-1')
  t.equal((await stat(directory)).mode & 0o777, 0o700)
  await checkpoint.remove()
  t.same(await readdir(directory), [])
})

t.test('a directory that cannot be written to is an error of the file system', async (t) => {
  const directory = t.testdir({ file: '' })
  await t.rejects(uploadCheckpoints(join(directory, 'file', 'x'), 'target').create('u'), { code: 'ENOTDIR' })
})

t.test('the default directory is in the state directory of the user', (t) => {
  t.equal(defaultCheckpointDirectory({ XDG_STATE_HOME: '/s' }), join('/s', 'cospipe', 'uploads'))
  t.match(defaultCheckpointDirectory({}), /cospipe.uploads$/)
  t.end()
})

// -- records --
t.test(
  'the next owner reads the records that were appended, without the incomplete line of a crash',
  async (t) => {
    const directory = t.testdir({})
    const checkpoints = uploadCheckpoints(directory, 'target')
    const checkpoint = await checkpoints.create('upload-1')
    await Promise.all([['a'], [1, 'b'], { c: 2 }].map(checkpoint.append))
    await checkpoint.release()
    const [name = ''] = await readdir(directory)
    await appendFile(join(directory, name), '12345678 [2,"incom')
    const next = await checkpoints.claim()
    t.same(next?.records, [['a'], [1, 'b'], { c: 2 }])
    await next?.append([3])
    await next?.release()
    t.same((await checkpoints.claim())?.records, [['a'], [1, 'b'], { c: 2 }, [3]])
  }
)

t.test('a record is not appended after the release', async (t) => {
  const checkpoint = await uploadCheckpoints(t.testdir({}), 'target').create('upload-1')
  await checkpoint.release()
  await t.rejects(checkpoint.append([1]), { message: 'the checkpoint was released' })
})

t.test('a checkpoint that others can write, or that is too large, is removed', async (t) => {
  for (const spoil of [
    (path: string) => chmod(path, 0o620),
    (path: string) => truncate(path, 5 * 1024 * 1024)
  ]) {
    const directory = t.testdir({})
    const checkpoints = uploadCheckpoints(directory, 'target')
    await (await checkpoints.create('upload-1')).release()
    const [name = ''] = await readdir(directory)
    await spoil(join(directory, name))
    t.equal(await checkpoints.claim(), undefined)
    t.same(await readdir(directory), [])
  }
})
