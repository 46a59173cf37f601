/** The official SDK. */
import { createWriteStream } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { bucket, fileConcurrency, region, type Peer } from '../support/peer.js'

type Call = (parameters: object) => Promise<unknown>

interface Sdk {
  readonly uploadFiles: Call
  readonly putObject: Call
  readonly headObject: Call
  readonly getObject: Call
  readonly getBucket: (
    parameters: object
  ) => Promise<{ readonly Contents: ReadonlyArray<unknown>; readonly NextMarker?: string }>
}

export const connect = (origin: string): Peer => {
  const load: unknown = createRequire(import.meta.url)('cos-nodejs-sdk-v5')
  const Cos = load as new (options: object) => Sdk
  const sdk = new Cos({
    SecretId: 'AKIDbenchExampleNotARealSecretId0001',
    SecretKey: 'benchExampleNotARealSecretKey000001',
    Protocol: 'http:',
    Domain: new URL(origin).host,
    UploadCheckContentMd5: false,
    FileParallelLimit: fileConcurrency
  })
  const at = (Key: string): object => ({ Bucket: bucket, Region: region, Key })
  return {
    name: 'cos-nodejs-sdk-v5',
    integrity: 'none',
    put: (key, Body) => sdk.putObject({ ...at(key), Body }),
    head: (key) => sdk.headObject(at(key)),
    // It has no upload of an unknown length.
    download: (key) => {
      const out = new PassThrough()
      sdk.getObject({ ...at(key), Output: out }).catch((error: unknown) => {
        out.destroy(error instanceof Error ? error : new Error('failed'))
      })
      return Promise.resolve(out)
    },
    downloadFile: (key, path) => sdk.getObject({ ...at(key), Output: createWriteStream(path) }),
    list: async (Prefix) => {
      let count = 0
      for (let Marker: string | undefined = ''; Marker !== undefined;) {
        const page: Awaited<ReturnType<Sdk['getBucket']>> = await sdk.getBucket({ ...at(''), Prefix, Marker })
        count += page.Contents.length
        Marker = page.NextMarker
      }
      return count
    },
    uploadDirectory: (directory, names) =>
      sdk.uploadFiles({
        SliceSize: 1024 * 1024,
        files: names.map((name) => ({ ...at(name), FilePath: join(directory, name) }))
      })
  }
}
