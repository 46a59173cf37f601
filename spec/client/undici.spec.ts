import { readFileSync } from 'node:fs'
import t from 'tap'
import * as undici from 'undici'
import * as parts from '../../lib/client/undici.js'
import { createFakeService } from '../../lib/testing/index.js'
import { systemRuntime } from '../../lib/core/runtime.js'

t.test('the parts of undici that are imported alone are those of its main module', async (t) => {
  for (const [name, value] of Object.entries(parts)) t.equal(value, undici[name as keyof typeof parts], name)
  t.ok(createFakeService(systemRuntime, () => ({ status: 200 })) instanceof undici.Dispatcher)
})

t.test('the range of undici holds patches of one minor version alone', async (t) => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  t.match(dependencies['undici'], /^~\d+\.\d+\.\d+$/)
})
