/** An upload as a Node `Writable`, for `.pipe()` and `pipeline`, which know no other sink. */
import { Writable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../../core/error.js'
import type { Client } from '../../client/client.js'
import { withSignal } from '../../client/combinators.js'
import { uploadStream, type UploadResult, type UploadStreamInput } from './upload-stream.js'

export interface UploadWritable extends Writable {
  /** What became of it: settles when the stream has finished, failed or been destroyed. */
  readonly uploaded: TaskEither<CosError, UploadResult>
}

/** One chunk at a time from a writer to a reader; each waits for the other. */
interface Handover {
  readonly write: (chunk: Uint8Array, taken: () => void) => void
  readonly end: () => void
  readonly source: AsyncIterable<Uint8Array>
}

const createHandover = (): Handover => {
  let waiting: { readonly chunk: Uint8Array; readonly taken: () => void } | undefined
  let ended = false
  let wake: () => void = () => undefined

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (waiting !== undefined) {
        const { chunk, taken } = waiting
        yield chunk
        // Taken when it is asked for the next: by then the chunk has been copied.
        waiting = undefined
        taken()
      } else if (ended) return
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  }
  return {
    write: (chunk, taken) => {
      waiting = { chunk, taken }
      wake()
    },
    end: () => {
      ended = true
      wake()
    },
    source: read()
  }
}

/**
 * Makes a `Writable` whose bytes become an object.
 *
 * It finishes when the object is complete and verified, and not before; `pipeline` therefore resolves when the upload
 * has. An error of the upload destroys it with a `CosException`. Destroying it aborts the upload.
 *
 * @shape  `createUploadStream(client)(input) -> Writable`, which is in use from then on: it is not a value to keep
 * @units  as `uploadStream`
 * @errors as `uploadStream`, in a `CosException` on the stream and as data in `uploaded`
 * @example await pipeline(createReadStream('a.log'), createGzip(), createUploadStream(client)({ bucket, key }))
 */
export const createUploadStream =
  (client: Client) =>
  (input: UploadStreamInput): UploadWritable => {
    const stop = new AbortController()
    const bytes = createHandover()
    const upload = withSignal(stop.signal)(uploadStream(input)(bytes.source))(client)()

    const writable = new Writable({
      decodeStrings: true,
      write: (chunk: Uint8Array, _encoding, done) => {
        bytes.write(chunk, done)
      },
      final: (done) => {
        bytes.end()
        void upload.then((result) => {
          done(E.isLeft(result) ? new CosException(result.left) : null)
        })
      },
      destroy: (error, done) => {
        stop.abort(error ?? new Error('the stream was destroyed'))
        done(error)
      }
    })
    // A refusal half-way must not wait for the last chunk.
    void upload.then((result) => {
      if (E.isLeft(result) && !writable.destroyed) writable.destroy(new CosException(result.left))
    })
    return Object.assign(writable, { uploaded: () => upload })
  }
