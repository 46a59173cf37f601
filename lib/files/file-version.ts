/** Detects whether a file changed between two calls of `stat`. */
import type { BigIntStats } from 'node:fs'

/** Identity, size and times of a file, from a `stat` with `bigint: true`: times to the nanosecond. */
export type FileVersion = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs' | 'nlink'>

/** Whether two versions are of one file, whatever its contents. */
export const isSameFile = (a: FileVersion, b: FileVersion): boolean => a.dev === b.dev && a.ino === b.ino

/**
 * Whether the contents may have changed between two versions.
 *
 * The change time is compared as well: a program can set a file's modification time back, as `rsync -t` and `cp -p` do,
 * but not its change time. It counts only while the number of links is the same: deleting an open file, or renaming
 * another over its path, changes both and leaves the bytes as they are.
 *
 * A write within the clock tick of the write before the first look (4 ms on ext4) is not detected.
 */
export const hasChanged = (before: FileVersion, after: FileVersion): boolean =>
  !isSameFile(before, after) ||
  before.size !== after.size ||
  before.mtimeNs !== after.mtimeNs ||
  (before.ctimeNs !== after.ctimeNs && before.nlink === after.nlink)

/** Whether bytes that were in the file may be gone; appended bytes do not count. */
export const hasShrunk = (before: FileVersion, after: FileVersion): boolean =>
  !isSameFile(before, after) || after.size < before.size
