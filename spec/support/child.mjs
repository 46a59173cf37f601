/**
 * Runs transfers in a process that a spec kills. Arguments: the library in one file, and the job as JSON.
 * It prints `ready`, waits for a line, runs the steps in order, and prints the result of each as a line of JSON; the
 * result of a stream is all of its items.
 */
import { execSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const [lib, text] = process.argv.slice(2)
const { address, credentials, memoryLimit, steps } = JSON.parse(text)
const library = await import(pathToFileURL(lib).href)
const client = library.createClient({
  region: 'ap-guangzhou',
  scheme: 'http',
  address,
  credentials,
  ...(memoryLimit === undefined ? {} : { memoryLimit })
}).right
const functionsOf = (encrypted) => {
  if (encrypted === undefined) return library
  const { secret, ...options } = encrypted
  return library.encrypted(library.aesKey(secret).right, options)
}
const act = async ({ run, call, input, source, encrypted }) => {
  if (run !== undefined) return execSync(run, { encoding: 'utf8' })
  const made = functionsOf(encrypted)[call](input)
  const started = (source === undefined ? made : made(createReadStream(source)))(client)
  if (typeof started === 'function') return started()
  const items = []
  for await (const item of started) items.push(item)
  return items
}

process.stdout.write('ready\n')
await once(process.stdin, 'data')
const plain = (_name, value) => (typeof value === 'bigint' ? String(value) : value)
for (const step of steps) process.stdout.write(`${JSON.stringify(await act(step), plain)}\n`)
process.stdin.destroy()
await client.close()
