/** An upload as a Node `Writable`, for `.pipe()` and `pipeline`. */
import { Writable, type Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import { constVoid } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { withSignal } from '../../client/combinators.js'
import type { CosEffect } from '../../client/send.js'
import { uploadStream, type UploadResult, type UploadStreamInput } from './upload-stream.js'

export interface UploadWritable<A = UploadResult> extends Writable {
  /**
   * The result: settles when the stream has finished, failed or been destroyed. Once it is called, an `error` event
   * without a listener no longer ends the process.
   */
  readonly uploaded: TaskEither<CosError, A>
}

/** Passes one chunk at a time from a writer to a reader; each waits for the other. */
interface Handover {
  /** `onTaken` is called when the chunk has been copied. */
  readonly write: (chunk: Uint8Array, onTaken: () => void) => void
  readonly end: () => void
  readonly source: AsyncIterable<Uint8Array>
}

const createHandover = (): Handover => {
  let waiting: { readonly chunk: Uint8Array; readonly onTaken: () => void } | undefined
  let hasEnded = false
  let wake: () => void = () => undefined

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (waiting !== undefined) {
        const { chunk, onTaken } = waiting
        yield chunk
        // The reader asks for the next chunk after it has copied this one.
        waiting = undefined
        onTaken()
      } else if (hasEnded) return
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  }
  return {
    write: (chunk, onTaken) => {
      waiting = { chunk, onTaken }
      wake()
    },
    end: () => {
      hasEnded = true
      wake()
    },
    source: read()
  }
}

/** A `Writable` for any function like `uploadStream`. */
export const createUploadStreamWith =
  <I, A>(start: (input: I) => (source: AsyncIterable<Uint8Array>) => CosEffect<A>) =>
  (client: Client) =>
  (input: I): UploadWritable<A> => {
    const controller = new AbortController()
    const bytes = createHandover()
    const upload = withSignal(controller.signal)(start(input)(bytes.source))(client)()

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
        controller.abort(error ?? new Error('the stream was destroyed'))
        done(error)
      }
    })
    // An upload that fails early must not wait for the last chunk.
    void upload.then((result) => {
      if (E.isLeft(result) && !writable.destroyed) writable.destroy(new CosException(result.left))
    })
    // Piping a stream that was read before would end the upload early, and store an empty or partial object.
    const sources = new WeakSet<Readable>()
    writable.on('pipe', (source: Readable) => {
      if (source.readableDidRead && !sources.has(source)) {
        const cause = new Error('the piped stream was read before')
        const context = contextOf('uploadStream', input)
        writable.destroy(new CosException({ _tag: 'SourceError', context, cause }))
      }
      sources.add(source)
    })
    return Object.assign(writable, {
      uploaded: () => {
        // The caller reads the failure here. `.pipe()` removes its listener when the source has ended, and an `error` event
        // without a listener would end the process.
        writable.on('error', constVoid)
        return upload
      }
    })
  }

/**
 * Makes a `Writable` whose bytes become an object.
 *
 * It finishes when the object is complete and verified, so `pipeline` resolves when the upload has succeeded. An error of
 * the upload destroys it with a `CosException`. Destroying it aborts the upload.
 *
 * A Node stream that was read before it is piped is a `SourceError`. A generator or web stream that was read before cannot
 * be distinguished from an empty one here: pass it to `uploadStream` instead.
 *
 * @shape  `createUploadStream(client)(input) -> Writable`; the upload starts at once
 * @units  as `uploadStream`
 * @errors as `uploadStream`, in a `CosException` on the stream and as data in `uploaded`
 * @example await pipeline(createReadStream('a.log'), createGzip(), createUploadStream(client)({ bucket, key }))
 */
export const createUploadStream: (client: Client) => (input: UploadStreamInput) => UploadWritable =
  createUploadStreamWith(uploadStream)
