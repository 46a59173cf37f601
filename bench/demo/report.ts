/** The results as a short table, with the memory used. */
import type { Integrity } from '../../lib/index.js'
import type { Sent } from './round-trip.js'
import type { Observed } from './progress-bar.js'

const KiB = 1024
const MiB = KiB * KiB

/** Formats bytes, or bytes a second. */
export const formatBytes = (bytes: number): string =>
  bytes < MiB ? `${(bytes / KiB).toFixed(1)} KiB` : `${(bytes / MiB).toFixed(1)} MiB`

// -- memory --
export interface Peak {
  /** Resident memory of the process, in bytes. */
  readonly rss: number
  /** Memory in buffers, in bytes. */
  readonly arrayBuffers: number
}

/** Samples the memory of this process twenty times a second. */
export const watchMemory = (): (() => Peak) => {
  let peak: Peak = { rss: 0, arrayBuffers: 0 }
  const look = (): Peak => {
    const { rss, arrayBuffers } = process.memoryUsage()
    peak = { rss: Math.max(peak.rss, rss), arrayBuffers: Math.max(peak.arrayBuffers, arrayBuffers) }
    return peak
  }
  setInterval(look, 50).unref()
  return look
}

// -- the table --
export interface Report {
  readonly files: number
  /** In bytes, before gzip. */
  readonly read: number
  readonly up: Observed<ReadonlyArray<Sent>>
  readonly down: Observed<ReadonlyArray<Integrity>>
  readonly peak: Peak
}

export const reportOf = ({ files, read, up, down, peak }: Report): string => {
  const bytes = up.value.reduce((sum, { size }) => sum + size, 0)
  const verified = down.value.filter(({ _tag }) => _tag === 'Verified').length
  const rows: ReadonlyArray<readonly [name: string, value: string]> = [
    ['bytes', `${formatBytes(bytes)}, gzipped from ${formatBytes(read)}`],
    ['parts', `${String(up.parts)} up, ${String(down.parts)} down`],
    ['up', `${formatBytes(bytes / up.seconds)}/s, in ${up.seconds.toFixed(1)} s with gzip`],
    ['down', `${formatBytes(bytes / down.seconds)}/s, in ${down.seconds.toFixed(1)} s`],
    ['peak memory', `${formatBytes(peak.rss)}, of it ${formatBytes(peak.arrayBuffers)} in buffers`],
    ['SHA-256', `equal, ${String(files)} of ${String(files)}`],
    ['CRC64', `verified, ${String(verified)} of ${String(files)}`]
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(11)}  ${value}`).join('\n')
}
