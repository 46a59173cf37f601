/** Tencent's Node SDK, unmodified, for the specs that compare with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import COS from 'cos-nodejs-sdk-v5'
import type { Credentials } from '../../lib/emulator/index.js'

// The SDK opens its upload cache once in a process, by default in the home directory, and writes it 0.4 s after a call: maybe
// while the directory of a test is being removed.
const ConfCwd = mkdtempSync(join(tmpdir(), 'cospipe-official-sdk-'))
process.on('exit', () => {
  rmSync(ConfCwd, { recursive: true, force: true })
})

/** An SDK that sends over HTTP. */
export const createSdk = ({ secretId, secretKey }: Credentials, options: COS.COSOptions): COS =>
  new COS({ SecretId: secretId, SecretKey: secretKey, Protocol: 'http:', ConfCwd, ...options })
