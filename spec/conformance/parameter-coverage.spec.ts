/** That no operation is without its spec, and no parameter without its call. */
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { copyObject } from '../../lib/operations/copy-object.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { refusals } from './error-table.js'
import { showing } from './parameter-coverage.js'

const at = { bucket: 'examplebucket-1250000000', key: 'a' }

const kebab = (action: string): string => action.replace(/(?!^)[A-Z]/g, (c) => `-${c}`).toLowerCase()

t.test('each operation has its spec here', async (t) => {
  const specs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.spec.js'))
  const actions = [...new Set(refusals.flatMap(({ to }) => to))]
  t.equal(actions.length, 17)
  t.same(
    actions.map((action) => `${kebab(action)}.spec.js`).filter((name) => !specs.includes(name)),
    []
  )
  const operations = readdirSync(resolve(import.meta.dirname, '../../lib/operations'))
    .filter((name) => name.endsWith('.js') && name !== 'object-exists.js')
    .map((name) => name.replace(/\.js$/, '.spec.js'))
  t.same(
    operations.filter((name) => !specs.includes(name)),
    []
  )
  t.equal(operations.length, 17)
})

t.test('a parameter that no call has given is missed, and one that some call has is not', async (t) => {
  const { call, unshown } = showing(headObject)
  call(at)
  const missed = unshown()
  t.ok(
    missed.includes('versionId') && missed.includes('ifMatch') && missed.includes('headers'),
    String(missed)
  )
  t.notOk(missed.includes('bucket'))
  call({ ...at, versionId: 'a' })
  t.notOk(unshown().includes('versionId'))
  t.equal(unshown().length, missed.length - 1)
})

t.test('so is one within another, and each form of it', async (t) => {
  const copying = showing(copyObject)
  copying.call({ ...at, copySource: { ...at, region: 'ap-guangzhou' } })
  t.ok(copying.unshown().includes('copySource.versionId'))
  t.notOk(copying.unshown().includes('copySource.region'))

  const getting = showing(getObject)
  getting.call({ ...at, range: { first: 0, last: 1 } })
  t.ok(getting.unshown().includes('range.suffix'))
  getting.call({ ...at, range: { suffix: 1 } })
  t.notOk(getting.unshown().some((path) => path.startsWith('range')))
})
