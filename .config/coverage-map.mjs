/** spec/x/y.spec.ts vouches for lib/x/y.ts and for nothing else; a spec without a mirror vouches for no file. */
import { existsSync } from 'node:fs'

export default (spec) => {
  const module = spec.replaceAll('\\', '/').replace(/^(.*\/)?spec\/(.+)\.spec\.ts$/, '$1lib/$2.ts')
  return module !== spec && existsSync(module) ? [module] : null
}
