import t from 'tap'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import {
  movePrefix,
  type MovePrefixInput,
  type MovePrefixResult
} from '../../../lib/transfers/prefix/move-prefix.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'
import { catchCosError } from '../../support/responses.js'

const copySource = { bucket, region: 'ap-guangzhou', prefix: 'a/' }
const to: MovePrefixInput = { bucket, prefix: 'b/', copySource }
const keys = [...Array.from({ length: 20 }, (_, n) => `a/${String(n).padStart(2, '0')}`), 'a/&\u0001', 'a//']

const startWithKeys = (t: Parameters<typeof startCos>[0], options: EmulatorOptions = {}): Promise<Cos> =>
  startCos(t, { seed: [...keys, 'c'].map((key, size) => ({ bucket, key, size })), ...options })

const keysOf = async (cos: Cos): Promise<ReadonlyArray<string>> =>
  right(await collect(streamObjects({ bucket }))(cos.client())()).map(({ key }) => key)

const renamed = keys.map((key) => key.replace('a/', 'b/')).sort()

t.test('movePrefix moves all objects of a prefix and no others', async (t) => {
  const cos = await startWithKeys(t)
  const results = right(await collect(movePrefix(to))(cos.client())())
  t.equal(results.length, keys.length)
  for (const result of results)
    t.match(result, { _tag: 'Moved', moved: { integrity: { _tag: 'Verified' }, deleted: { _tag: 'Some' } } })
  t.same(await keysOf(cos), [...renamed, 'c'])
})

t.test('movePrefix keeps a source whose copy failed, and a second run moves it', async (t) => {
  const copyFault = (key: string, sum: string) => ({
    operation: 'CopyObject',
    key,
    times: 1,
    fault: {
      response: {
        when: 'performed' as const,
        status: 200,
        body: `<CopyObjectResult><ETag>"x"</ETag><CRC64>${sum}</CRC64></CopyObjectResult>`
      }
    }
  })
  for (const onError of ['continue', 'stop'] as const) {
    const cos = await startWithKeys(t, { fault: script([copyFault('b/03', '17')]) })
    const results: Array<MovePrefixResult> = []
    const readAll = async (): Promise<void> => {
      for await (const result of movePrefix({ ...to, onError, concurrency: 2 })(cos.client()))
        results.push(result)
    }
    if (onError === 'stop') t.match(await catchCosError(readAll()), { _tag: 'IntegrityError' })
    else await readAll()
    t.match(
      results.filter(({ _tag }) => _tag === 'Failed'),
      [{ key: 'a/03', error: { _tag: 'IntegrityError' } }]
    )
    t.ok((await keysOf(cos)).includes('a/03'))
    t.equal(results.length < keys.length, onError === 'stop')
    await readAll()
    t.same(await keysOf(cos), [...renamed, 'c'])
  }
})

t.test('movePrefix refuses the same prefixes as copyPrefix', async (t) => {
  const cos = await startWithKeys(t)
  for (const [field, wrong] of [
    ['prefix', { prefix: 'a/' }],
    ['prefix', { prefix: 'a/b/' }],
    ['copySource.prefix', { copySource: { ...copySource, prefix: '' } }]
  ] as const) {
    t.match(left(await collect(movePrefix({ ...to, ...wrong }))(cos.client())()), {
      _tag: 'InvalidInput',
      field,
      context: { operation: 'movePrefix' }
    })
  }
  t.equal(cos.operations().length, 0)
})
