/** Writes the version of package.json into the compiled library. */
import { readFileSync, writeFileSync } from 'node:fs'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const compiled = new URL('../dist/lib/client/version.js', import.meta.url)
const text = readFileSync(compiled, 'utf8')
const written = text.replace(/version = '[^']*'/, `version = '${version}'`)
if (!written.includes(`'${version}'`)) throw new Error('dist/lib/client/version.js has no version')
writeFileSync(compiled, written)
