/** What the parts of a file's upload share. */
import * as E from 'fp-ts/lib/Either.js'
import { CosException } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import type { SourceFile } from '../../files/source-file.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import type { Transfer } from '../shared/run-transfer.js'
import type { UploadFileInput } from './file-options.js'
import type { WithUploadEncryption } from './upload-encryption.js'

export interface FileUpload extends Transfer<UploadFileInput> {
  readonly file: SourceFile
  readonly partSize: number
  readonly concurrency: number | 'auto'
  readonly encryption: WithUploadEncryption
}

export const planParts = ({ file, partSize }: FileUpload): Iterable<PartRange> =>
  planRanges({ to: file.size, partSize })

/** Runs an effect; its error becomes a `CosException`. */
export const valueOf = async <A>({ scope }: FileUpload, effect: CosEffect<A>): Promise<A> => {
  const result = await effect(scope.client)()
  if (E.isLeft(result)) throw new CosException(result.left)
  return result.right
}
