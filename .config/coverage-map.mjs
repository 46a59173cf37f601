/** The specs run compiled: dist/test/spec/x/y.spec.js covers lib/x/y.ts, and nothing else. A spec without a mirror covers no file. */
import { existsSync } from 'node:fs'

export default (spec) => {
  const module = spec
    .replaceAll('\\', '/')
    .replace(/^(.*\/)?dist\/test\/spec\/(.+)\.spec\.js$/, '$1lib/$2.ts')
  return module !== spec && existsSync(module) ? [module] : null
}
