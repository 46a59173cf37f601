/** The process of one client in one case: introduces it, and runs a round at each message. It loads no other client. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contests } from './cases/contests.js'
import { connect } from './clients/index.js'
import type { Introduction } from './support/contest.js'

const [name = '', client = '', origin = ''] = process.argv.slice(2)
const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
const peer = await connect(client, origin)
const round = peer && (await contests[name]?.(peer, directory))
const introduction: Introduction | null =
  peer === undefined || round === undefined ? null : { name: peer.name, integrity: peer.integrity }

const run = async (): Promise<void> => {
  process.send?.(await round?.())
}
const end = async (): Promise<void> => {
  await peer?.close?.()
  await rm(directory, { recursive: true })
  process.exit()
}
process.on('message', () => void run())
process.on('disconnect', () => void end())
process.send?.(introduction)
