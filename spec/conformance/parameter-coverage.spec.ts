/** Every operation has a conformance spec, and every parameter has a call in it. */
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { copyObject } from '../../lib/operations/copy-object.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { refusals } from './error-table.js'
import { trackParameters } from './parameter-coverage.js'

const at = { bucket: 'examplebucket-1250000000', key: 'a' }

const kebab = (action: string): string => action.replace(/(?!^)[A-Z]/g, (c) => `-${c}`).toLowerCase()

/** Made of `headObject`. */
const derived = new Set(['object-exists.js', 'head-if-same.js'])

t.test('each operation has a conformance spec', async (t) => {
  const specs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.spec.js'))
  const actions = [...new Set(refusals.flatMap(({ to }) => to))]
  t.equal(actions.length, 17)
  t.same(
    actions.map((action) => `${kebab(action)}.spec.js`).filter((name) => !specs.includes(name)),
    []
  )
  const operations = readdirSync(resolve(import.meta.dirname, '../../lib/operations'))
    .filter((name) => name.endsWith('.js') && !derived.has(name))
    .map((name) => name.replace(/\.js$/, '.spec.js'))
  t.same(
    operations.filter((name) => !specs.includes(name)),
    []
  )
  t.equal(operations.length, 17)
})

t.test('a parameter is uncovered until a call has it', async (t) => {
  const { call, uncovered } = trackParameters(headObject)
  call(at)
  const missed = uncovered()
  t.ok(
    missed.includes('versionId') && missed.includes('ifMatch') && missed.includes('headers'),
    String(missed)
  )
  t.notOk(missed.includes('bucket'))
  call({ ...at, versionId: 'a' })
  t.notOk(uncovered().includes('versionId'))
  t.equal(uncovered().length, missed.length - 1)
})

t.test('nested parameters and each of their forms are tracked', async (t) => {
  const copying = trackParameters(copyObject)
  copying.call({ ...at, copySource: { ...at, region: 'ap-guangzhou' } })
  t.ok(copying.uncovered().includes('copySource.versionId'))
  t.notOk(copying.uncovered().includes('copySource.region'))

  const getting = trackParameters(getObject)
  getting.call({ ...at, range: { first: 0, last: 1 } })
  t.ok(getting.uncovered().includes('range.suffix'))
  getting.call({ ...at, range: { suffix: 1 } })
  t.notOk(getting.uncovered().some((path) => path.startsWith('range')))
})
