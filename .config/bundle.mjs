/**
 * Bundles the compiled package: each entry and the modules that entries share become one file each. Importing 200 small
 * modules took 988 ms of CPU where importing undici takes 195; the bundle takes 352 where undici takes 216 (medians, Node
 * 20.20, 2 cores).
 *
 * fp-ts and io-ts are bundled from their ES modules, so that only the functions in use are loaded; their values are plain
 * data, which any copy of fp-ts reads. saxes is bundled because reading its four files took a quarter of the import: 1.79 of
 * undici's CPU time with it outside, 1.40 inside (medians of 15 alternating runs). Other packages stay external.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { functional } from './functional.mjs'

const top = resolve(import.meta.dirname, '..')
const out = join(top, 'dist')
const packageOf = (name) => join(top, 'node_modules', name)
const { version } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'))

const options = {
  outdir: out,
  outbase: top,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning'
}

// Shared files of an earlier build have other names.
for (const name of readdirSync(join(out, 'lib')).filter((each) => each.startsWith('shared-')))
  rmSync(join(out, 'lib', name))

await build({
  ...options,
  entryPoints: ['lib/index', 'lib/emulator/index', 'lib/emulator/cli', 'lib/testing/index'].map((path) =>
    join(top, `${path}.ts`)
  ),
  bundle: true,
  splitting: true,
  chunkNames: 'lib/shared-[hash]',
  external: ['undici', 'picomatch', 'csv-parse', 'libpg-query'],
  plugins: [functional],
  define: { COSPIPE_VERSION: JSON.stringify(version) }
})
writeFileSync(
  join(out, 'lib/BUNDLED-LICENSES.txt'),
  Object.entries({
    'fp-ts': join(packageOf('fp-ts'), 'LICENSE'),
    'io-ts': join(packageOf('io-ts'), 'LICENSE'),
    // The package has no license file: this is that of https://github.com/lddubeau/saxes.
    saxes: join(top, '.config/licenses/saxes.txt'),
    xmlchars: join(packageOf('xmlchars'), 'LICENSE')
  })
    .map(([name, path]) => `${name}\n\n${readFileSync(path, 'utf8')}`)
    .join('\n')
)

// The benchmarks and the demo import the bundle, as a user does.
await build({
  ...options,
  entryPoints: ['*', 'cases/*', 'clients/*', 'demo/*', 'support/*'].map((path) =>
    join(top, 'bench', `${path}.ts`)
  )
})
