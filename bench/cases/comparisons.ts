/** The cases that compare time, CPU time and memory of the clients. */
import type { Comparison } from '../support/contest.js'
import { folderDown, folderUp, heads, listing, puts } from './objects.js'
import { downloads, fileDownloads, uploads } from './throughput.js'

export const comparisons = {
  upload: uploads,
  download: downloads,
  'download-file': fileDownloads,
  'puts-1': puts(1),
  'puts-32': puts(32),
  'puts-256': puts(256),
  'heads-1': heads(1),
  'heads-32': heads(32),
  'heads-256': heads(256),
  'folder-up': folderUp,
  'folder-down': folderDown,
  'listing-10k': listing(10_000),
  'listing-100k': listing(100_000),
  'listing-1m': listing(1_000_000)
} satisfies Readonly<Record<string, Comparison>>
