/** Folders as values, for specs: grown from a record, and read back with all that is in them. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** By path: a file's bytes; null of an empty folder; where a link leads. */
export type Tree = Readonly<Record<string, Uint8Array | string | null | { readonly link: string }>>

export const createTree = async (root: string, tree: Tree): Promise<string> => {
  await mkdir(root, { recursive: true })
  for (const [path, what] of Object.entries(tree)) {
    const full = join(root, path)
    await mkdir(what === null ? full : dirname(full), { recursive: true })
    if (what === null) continue
    if (typeof what === 'string' || what instanceof Uint8Array) await writeFile(full, what)
    else await symlink(what.link, full)
  }
  return root
}

/**
 * What is in a folder, links not followed: a line for each file, folder and link, by path. Files of more than a hundred
 * bytes are told by their SHA-256. Names are read as bytes, so that none is missed.
 */
export const readTree = async (root: string): Promise<Readonly<Record<string, string>>> => {
  const lines: Record<string, string> = {}
  const look = async (at: Buffer): Promise<void> => {
    const full = Buffer.concat([Buffer.from(`${root}/`), at])
    for (const entry of await readdir(full, { withFileTypes: true, encoding: 'buffer' })) {
      const path = Buffer.concat(at.length === 0 ? [entry.name] : [at, Buffer.from('/'), entry.name])
      const here = Buffer.concat([Buffer.from(`${root}/`), path])
      const name = path.toString('utf8')
      if (entry.isDirectory()) {
        lines[`${name}/`] = 'folder'
        await look(path)
      } else if (entry.isSymbolicLink()) lines[name] = `link to ${await readlink(here)}`
      else if (entry.isFile()) {
        const bytes = await readFile(here)
        lines[name] =
          bytes.length <= 100
            ? `file ${bytes.toString('latin1')}`
            : `file of ${createHash('sha256').update(bytes).digest('hex')}`
      } else lines[name] = 'something else'
    }
  }
  await look(Buffer.alloc(0))
  return Object.fromEntries(Object.entries(lines).sort(([a], [b]) => (a < b ? -1 : 1)))
}
