/** The project's root directory. Specs run compiled, from `dist/test`, so a path relative to the spec does not lead to it. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const findTop = (directory: string): string =>
  existsSync(join(directory, 'package-lock.json')) ? directory : findTop(dirname(directory))

export const top = findTop(import.meta.dirname)
