/** A plugin of esbuild: fp-ts and io-ts are bundled from their ES modules, without copies of their exports as objects. */
import { resolve } from 'node:path'

const packageOf = (name) => resolve(import.meta.dirname, '../node_modules', name)

export const functional = {
  name: 'fp-ts and io-ts as ES modules',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^(?:fp|io)-ts\/lib\/.*\.js$/ }, ({ path }) => ({
      path: packageOf(path.replace('/lib/', '/es6/')),
      sideEffects: false
    }))
    onResolve({ filter: /^io-ts$/ }, () => ({ path: packageOf('io-ts/es6/index.js'), sideEffects: false }))
  }
}
