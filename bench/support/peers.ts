/**
 * Other clients of object storage. They are installed in `bench/peers`, so that the project itself does not depend on
 * them; a case runs without those that are missing.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { isShort } from './settings.js'

const directory = resolve(import.meta.dirname, '../../../bench/peers')

export const installPeers = (): void => {
  if (isShort || existsSync(resolve(directory, 'node_modules'))) return
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  spawnSync('npm', args, { cwd: directory, stdio: 'inherit', shell: process.platform === 'win32' })
}

/** A package of bench/peers. None if it is not installed. Its types are not: each use names what it needs. */
export const loadPeer = (name: string): unknown => {
  if (isShort || !existsSync(resolve(directory, 'node_modules', name))) return undefined
  return createRequire(resolve(directory, 'package.json'))(name)
}

export const s3Key = {
  id: 'AKIDbenchExampleNotARealSecretId0001',
  secret: 'benchExampleNotARealSecretKey000001'
}
export const s3Region = 'us-east-1'
