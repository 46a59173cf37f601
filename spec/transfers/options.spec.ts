/** The option tables of lib/transfers/README.md have exactly the options of each transfer, and the defaults of the code. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import type { BucketRef } from '../../lib/core/request.js'
import type { CopyObjectInput } from '../../lib/operations/copy-object.js'
import type { PutObjectInput } from '../../lib/operations/put-object.js'
import { copyDefaults, type CopyInput } from '../../lib/transfers/copy/options.js'
import type { DeleteKeysInput } from '../../lib/transfers/delete/delete-keys.js'
import type { DownloadDirectoryInput } from '../../lib/transfers/directory/download-directory.js'
import { directoryDefaults, type DirectoryOptions } from '../../lib/transfers/directory/options.js'
import type { UploadDirectoryInput } from '../../lib/transfers/directory/upload-directory.js'
import type { DownloadFileInput } from '../../lib/transfers/download/download-file.js'
import { downloadFileDefaults } from '../../lib/transfers/download/file-options.js'
import {
  downloadStreamDefaults,
  type DownloadStreamInput
} from '../../lib/transfers/download/download-stream.js'
import type { ToFileOptions } from '../../lib/transfers/download/to-file.js'
import type { AbortIncompleteUploadsInput } from '../../lib/transfers/multipart/abort-incomplete-uploads.js'
import type { DeletePrefixInput } from '../../lib/transfers/prefix/delete-prefix.js'
import type { PrefixInput } from '../../lib/transfers/prefix/options.js'
import { uploadDefaults } from '../../lib/transfers/upload/options.js'
import type { UploadFileInput } from '../../lib/transfers/upload/upload-file.js'
import type { UploadStreamInput } from '../../lib/transfers/upload/upload-stream.js'
import { top } from '../support/top.js'

const readme = readFileSync(resolve(top, 'lib/transfers/README.md'), 'utf8')

/** The default of each option, by its name in the table: `partSize?` if it may be left out. */
type Table = Readonly<Record<string, string>>

const readTable = (section: string): Table =>
  Object.fromEntries(
    section.split('\n').flatMap((line) => {
      const [, name = '', , byDefault = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
      const option = /^`(\w+\??)`$/.exec(name)?.[1]
      return option === undefined ? [] : [[option, byDefault] as const]
    })
  )

/** By the title of the section. */
const tables: Readonly<Record<string, Table>> = Object.fromEntries(
  (/\n## Options\n([^]*?)\n## /.exec(readme)?.[1] ?? '')
    .split(/\n###+ /)
    .slice(1)
    .map((section) => [section.split('\n')[0] ?? '', readTable(section)])
)

const namesIn = (...titles: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    ...new Set(titles.flatMap((title) => Object.keys(tables[title] ?? { [`no table "${title}"`]: '' })))
  ].sort()

/**
 * Every option of `I` and whether it may be left out. The compiler refuses a missing and an unknown name; that the codec has the
 * same names as the interface is checked by the compiler too (`In.FieldsOf`).
 */
type OptionsOf<I> = {
  readonly [K in keyof I]-?: Record<never, never> extends Pick<I, K> ? 'optional' : 'required'
}

const namesOf = (options: Readonly<Record<string, 'optional' | 'required'>>): ReadonlyArray<string> =>
  Object.entries(options)
    .map(([name, kind]) => (kind === 'optional' ? `${name}?` : name))
    .sort()

const object = {
  bucket: 'required',
  key: 'required',
  allowPathLikeKey: 'optional',
  headers: 'optional',
  query: 'optional'
} as const
const list = {
  bucket: 'required',
  headers: 'optional',
  query: 'optional',
  concurrency: 'optional'
} as const
const partOptions = { partSize: 'optional', concurrency: 'optional', threshold: 'optional' } as const

/** Options that uploads and copies hand on to one request, and that the operations' own tables describe. */
type OfPut = Exclude<keyof PutObjectInput, keyof typeof object | 'enableMd5'>
type OfCopy = Exclude<keyof CopyObjectInput, keyof typeof object>

const upload = {
  ...object,
  enableMd5: 'optional',
  onFailure: 'optional',
  onOrphanedUpload: 'optional',
  progress: 'optional',
  onProgress: 'optional'
} as const

const uploadStream: OptionsOf<Omit<UploadStreamInput, OfPut>> = {
  ...upload,
  ...partOptions,
  length: 'optional',
  resume: 'optional'
}
const uploadFile: OptionsOf<Omit<UploadFileInput, OfPut>> = {
  ...upload,
  ...partOptions,
  file: 'required',
  length: 'optional',
  resume: 'optional',
  checkpoint: 'optional',
  skipExisting: 'optional'
}

const directory: OptionsOf<DirectoryOptions & Pick<BucketRef, 'bucket'>> = {
  bucket: 'required',
  directory: 'required',
  prefix: 'optional',
  include: 'optional',
  exclude: 'optional',
  concurrency: 'optional',
  partConcurrency: 'optional',
  skip: 'optional',
  onError: 'optional',
  progress: 'optional',
  onProgress: 'optional'
}
const uploadDirectory: OptionsOf<Omit<UploadDirectoryInput, OfPut>> = {
  ...directory,
  headers: 'optional',
  query: 'optional',
  partSize: 'optional',
  enableMd5: 'optional',
  onFailure: 'optional',
  onOrphanedUpload: 'optional',
  threshold: 'optional',
  checkpoint: 'optional',
  symlinks: 'optional',
  emptyFolders: 'optional'
}
const downloadDirectory: OptionsOf<DownloadDirectoryInput> = {
  ...directory,
  headers: 'optional',
  query: 'optional',
  sse: 'optional',
  trafficLimit: 'optional',
  referer: 'optional',
  threshold: 'optional',
  partSize: 'optional',
  durable: 'optional',
  caseInsensitive: 'optional'
}

const download = {
  ...object,
  versionId: 'optional',
  ifMatch: 'optional',
  ifNoneMatch: 'optional',
  ifModifiedSince: 'optional',
  ifUnmodifiedSince: 'optional',
  sse: 'optional',
  trafficLimit: 'optional',
  referer: 'optional',
  progress: 'optional',
  onProgress: 'optional',
  partSize: 'optional',
  concurrency: 'optional'
} as const
const downloadStream: OptionsOf<DownloadStreamInput> = download
const downloadFile: OptionsOf<DownloadFileInput> = {
  ...download,
  file: 'required',
  threshold: 'optional',
  checkpoint: 'optional',
  onFailure: 'optional',
  durable: 'optional'
}
const toFile: OptionsOf<ToFileOptions> = { durable: 'optional' }

const copy: OptionsOf<Omit<CopyInput, OfCopy | keyof typeof object>> = {
  ...partOptions,
  onOrphanedUpload: 'optional',
  progress: 'optional',
  onProgress: 'optional'
}
const copyPrefix: OptionsOf<
  Pick<PrefixInput, 'bucket' | 'copySource'> & Omit<PrefixInput, keyof CopyInput | 'concurrency'>
> = {
  bucket: 'required',
  copySource: 'required',
  prefix: 'required',
  wholeBucket: 'optional',
  partConcurrency: 'optional',
  onError: 'optional',
  cursor: 'optional'
}
const deleteKeys: OptionsOf<DeleteKeysInput> = { ...list, quiet: 'optional' }
const deletePrefix: OptionsOf<DeletePrefixInput> = {
  ...list,
  quiet: 'optional',
  prefix: 'required',
  wholeBucket: 'optional',
  versions: 'optional',
  onError: 'optional'
}
const abortIncompleteUploads: OptionsOf<AbortIncompleteUploadsInput> = {
  ...list,
  prefix: 'optional',
  olderThan: 'required',
  dryRun: 'optional'
}

const everyObject = 'Every transfer of one object'
const everyDirectory = 'Every directory transfer'

t.test('the tables name every option of a transfer, and no other', async (t) => {
  t.same(namesIn(everyObject, 'Every upload', 'uploadStream'), namesOf(uploadStream))
  t.same(namesIn(everyObject, 'Every upload', 'uploadFile'), namesOf(uploadFile))
  t.same(
    namesIn(everyObject, 'Every upload', everyDirectory, 'uploadDirectory').filter(
      (name) => name !== 'key' && name !== 'allowPathLikeKey?'
    ),
    namesOf(uploadDirectory)
  )
  t.same(namesIn(everyObject, 'Every download of one object', 'downloadStream'), namesOf(downloadStream))
  t.same(namesIn(everyObject, 'Every download of one object', 'downloadFile'), namesOf(downloadFile))
  t.same(namesIn(everyDirectory, 'downloadDirectory'), namesOf(downloadDirectory))
  t.same(namesIn('toFile'), namesOf(toFile))
  t.same(namesIn('copy'), namesOf(copy))
  t.same(namesIn('copyPrefix'), namesOf({ ...copyPrefix, concurrency: 'optional' }))
  t.same(namesIn('deleteKeys'), namesOf(deleteKeys))
  t.same(namesIn('deletePrefix'), namesOf(deletePrefix))
  t.same(namesIn('abortIncompleteUploads'), namesOf(abortIncompleteUploads))
})

/** Options of one PUT that the transfer itself sets. */
type NotForUploads = 'body' | 'contentLength' | 'contentMd5' | 'expectContinue'

t.test('options that uploads pass to putObject are named in the text', async (t) => {
  const [, section = ''] = readme.split('\n### Every upload\n')
  const named = [...(section.split('\n|')[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name)
  const handedOn: Readonly<Record<Exclude<OfPut, NotForUploads>, true>> = {
    cacheControl: true,
    contentDisposition: true,
    contentEncoding: true,
    contentLanguage: true,
    contentType: true,
    expires: true,
    metadata: true,
    acl: true,
    grantFullControl: true,
    grantRead: true,
    grantReadAcp: true,
    grantWrite: true,
    grantWriteAcp: true,
    sse: true,
    storageClass: true,
    tagging: true,
    forbidOverwrite: true,
    trafficLimit: true,
    callback: true,
    callbackVar: true,
    picOperations: true
  }
  for (const name of Object.keys(handedOn)) t.ok(named.includes(name), name)
})

const show = (value: unknown): string => {
  if (typeof value === 'string') return `\`'${value}'\``
  const GiB = 1024 ** 3
  const MiB = 1024 ** 2
  if (typeof value !== 'number' || value < MiB) return String(value)
  return value >= GiB ? `${String(value / GiB)} GiB` : `${String(value / MiB)} MiB`
}

t.test('the tables have the defaults of the code', async (t) => {
  for (const [title, defaults] of [
    ['Every upload', { partSize: uploadDefaults.partSize, onFailure: uploadDefaults.onFailure }],
    ['uploadStream', { concurrency: uploadDefaults.concurrency }],
    [everyDirectory, directoryDefaults],
    ['downloadStream', downloadStreamDefaults],
    ['downloadFile', downloadFileDefaults],
    ['copy', copyDefaults]
  ] as const) {
    for (const [name, value] of Object.entries(defaults))
      t.equal(tables[title]?.[`${name}?`], show(value), `${title}: ${name}`)
  }
})
