/** What COS does after an upload: calls the caller's server, or processes a picture. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import * as In from '../../core/input.js'
import { textOr } from './validation.js'
import type { HeaderValues } from './metadata.js'

export interface Callback {
  /** Up to five URLs; COS tries them in turn. */
  readonly callbackUrl: string | ReadonlyArray<string>
  readonly callbackHost?: string
  /** A template: COS replaces variables such as `${bucket}`. */
  readonly callbackBody: string
  readonly callbackBodyType?: 'application/x-www-form-urlencoded' | 'application/json' | (string & {})
}

export interface UploadCallback {
  /** The server that COS calls after the upload; COS enables it per account. Text is base64. */
  readonly callback?: Callback | string
  /** Values of the template's variables, whose names begin with `x:`. Text is base64. */
  readonly callbackVar?: Readonly<Record<string, string>> | string
  /** Processing rules of Cloud Infinite for a picture, as JSON text or as an object. */
  readonly picOperations?: string | Readonly<Record<string, unknown>>
}

const Urls: t.Type<string | ReadonlyArray<string>, unknown, unknown> = new t.Type(
  'one to five URLs',
  (u): u is string | ReadonlyArray<string> =>
    In.nonEmpty.is(u) || (t.readonlyArray(In.nonEmpty).is(u) && u.length > 0 && u.length <= 5),
  (u, context) => (Urls.is(u) ? t.success(u) : t.failure(u, context, 'one to five URLs')),
  t.identity
)

const CallbackFields = In.struct<Callback>('a callback, { callbackUrl, callbackBody }', {
  callbackUrl: Urls,
  callbackHost: In.optional(In.nonEmpty),
  callbackBody: In.nonEmpty,
  callbackBodyType: In.optional(In.nonEmpty)
})

const Base64 = In.refined(In.nonEmpty, 'base64', (text) => /^[A-Za-z0-9+/_-]+={0,2}$/.test(text))

/** JSON in ASCII, as header values are. */
const jsonText = (value: unknown): string =>
  JSON.stringify(value).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const Rules: t.Type<
  Readonly<Record<string, unknown>>,
  Readonly<Record<string, unknown>>,
  unknown
> = new t.Type(
  'an object that JSON can represent',
  (u): u is Readonly<Record<string, unknown>> => typeof u === 'object' && u !== null && !Array.isArray(u),
  (u, context) =>
    pipe(
      // Serialized here, so that a cycle or a bigint is found before anything is sent.
      E.tryCatch(() => jsonText(u), E.toError),
      E.fold(
        () => t.failure(u, context, 'an object that JSON can represent'),
        () => (Rules.is(u) ? t.success(u) : t.failure(u, context, 'an object that JSON can represent'))
      )
    ),
  t.identity
)

/** Fields for an input's codec. */
export const uploadCallback: In.FieldsOf<UploadCallback> = {
  callback: In.optional(In.secret(textOr(Base64, CallbackFields))),
  callbackVar: In.optional(In.secret(textOr(Base64, In.textByName))),
  picOperations: In.optional(textOr(In.headerValue, Rules))
}

const base64Json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

const callbackText = (callback: Callback): string =>
  base64Json({
    ...callback,
    callbackUrl:
      typeof callback.callbackUrl === 'string' ? callback.callbackUrl : callback.callbackUrl.join(';')
  })

export const uploadCallbackHeaders = ({
  callback,
  callbackVar,
  picOperations
}: UploadCallback): HeaderValues => ({
  'x-cos-callback': typeof callback === 'object' ? callbackText(callback) : callback,
  'x-cos-callback-var': typeof callbackVar === 'object' ? base64Json(callbackVar) : callbackVar,
  'pic-operations': typeof picOperations === 'object' ? jsonText(picOperations) : picOperations
})
