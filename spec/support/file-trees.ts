/** Directory trees as values: created from a record, and read back. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** By path: a file's content, null for an empty directory, or the target of a symlink. */
export type Tree = Readonly<Record<string, Uint8Array | string | null | { readonly link: string }>>

export const createTree = async (root: string, tree: Tree): Promise<string> => {
  await mkdir(root, { recursive: true })
  for (const [path, entry] of Object.entries(tree)) {
    const full = join(root, path)
    await mkdir(entry === null ? full : dirname(full), { recursive: true })
    if (entry === null) continue
    if (typeof entry === 'string' || entry instanceof Uint8Array) await writeFile(full, entry)
    else await symlink(entry.link, full)
  }
  return root
}

/**
 * The entries of a directory by path, without following symlinks. Files of more than 100 bytes are shown by their
 * SHA-256. Names are read as bytes, so that none is missed.
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
