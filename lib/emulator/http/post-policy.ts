/** Verifies the signature and the policy of a form. */
import { createHash, createHmac } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import { signKey } from '../../core/signature.js'
import type { Credentials } from '../options.js'
import { authenticate, checkTime, checkToken, isEqual } from './authenticate.js'
import type { RoutedRequest } from './request.js'
import { type ServiceError, fail, serviceError } from './service-error.js'

type FormFields = Readonly<Record<string, string>>

type Condition =
  | { readonly _tag: 'Field'; readonly operator: string; readonly name: string; readonly value: string }
  | { readonly _tag: 'Size'; readonly least: number; readonly most: number }

interface Policy {
  /** Milliseconds of Unix time. */
  readonly expiration: number
  readonly conditions: ReadonlyArray<Condition>
}

export interface FormSender {
  readonly anonymous: boolean
  /** Checks the size of the file, in bytes. */
  readonly check: (size: number) => E.Either<ServiceError, true>
}

const Document = t.type({ expiration: t.string, conditions: t.readonlyArray(t.unknown) })
const Scalar = t.union([t.string, t.number])
const Triple = t.tuple([t.string, Scalar, Scalar])
const Fields = t.record(t.string, Scalar)

/** `["content-length-range", 1, 10]`, `["starts-with", "$key", "a/"]` or `{ "acl": "default" }`. */
const readCondition = (condition: unknown): E.Either<ServiceError, ReadonlyArray<Condition>> => {
  if (Triple.is(condition)) {
    const [operator, name, value] = condition
    if (operator === 'content-length-range')
      return E.right([{ _tag: 'Size', least: Number(name), most: Number(value) }])
    if (operator === 'eq' || operator === 'starts-with')
      return E.right([{ _tag: 'Field', operator, name: String(name), value: String(value) }])
  } else if (!Array.isArray(condition) && Fields.is(condition))
    return E.right(
      Object.entries(condition).map(([name, value]) => ({
        ...{ _tag: 'Field', operator: 'eq', name, value: String(value) }
      }))
    )
  return fail('MalformedPolicy', 'A condition of the policy is not valid.')
}

const readPolicy = (text: string): E.Either<ServiceError, Policy> =>
  pipe(
    E.tryCatch(
      (): unknown => JSON.parse(text),
      () => serviceError('MalformedPolicy')
    ),
    E.filterOrElse(Document.is, () =>
      serviceError('MalformedPolicy', 'The policy needs expiration and conditions.')
    ),
    E.chain(({ expiration, conditions }) =>
      pipe(
        conditions,
        E.traverseArray(readCondition),
        E.map((all) => ({ expiration: Date.parse(expiration), conditions: all.flat() }))
      )
    ),
    E.filterOrElse(
      ({ expiration }) => !Number.isNaN(expiration),
      () => serviceError('MalformedPolicy', 'The expiration of the policy is not a date.')
    )
  )

/** The signature of a form is that of its policy: HMAC-SHA1 of the policy's SHA-1. */
const checkSignature = (
  known: ReadonlyArray<Credentials>,
  fields: FormFields,
  policy: string,
  now: number
): E.Either<ServiceError, true> => {
  if (fields['q-sign-algorithm'] !== 'sha1') return fail('AccessDenied', 'q-sign-algorithm is not sha1.')
  const credentials = known.find(({ secretId }) => secretId === fields['q-ak'])
  if (credentials === undefined) return fail('InvalidAccessKeyId')
  const time = fields['q-key-time'] ?? ''
  const [, start, end] = /^(\d{1,15});(\d{1,15})$/.exec(time) ?? []
  if (start === undefined || end === undefined) return fail('AccessDenied', 'q-key-time is not start;end.')
  const digest = createHash('sha1').update(policy).digest('hex')
  const signature = createHmac('sha1', signKey(credentials.secretKey, time)).update(digest).digest('hex')
  return pipe(
    checkTime(Number(start), Number(end), Math.floor(now / 1000), true),
    E.chain(() => checkToken(credentials, { headers: fields, query: {} }, now)),
    E.chain(() =>
      isEqual(signature, fields['q-signature'] ?? '') ? E.right(true) : fail('SignatureDoesNotMatch')
    )
  )
}

const checkCondition =
  (fields: FormFields) =>
  (condition: Condition): E.Either<ServiceError, true> => {
    if (condition._tag === 'Size') return E.right(true)
    const { operator, value } = condition
    const name = condition.name.replace(/^\$/, '').toLowerCase()
    // The form sends as q-key-time what the policy calls q-sign-time.
    const actual = fields[name === 'q-sign-time' ? 'q-key-time' : name] ?? ''
    const isMet = operator === 'starts-with' ? actual.startsWith(value) : actual === value
    return isMet
      ? E.right(true)
      : fail('AccessDenied', `Condition key ${name} doesn't match the value ${value}`)
  }

const checkExpiration = ({ expiration }: Policy, now: number): E.Either<ServiceError, true> => {
  const [then, at] = [expiration, now].map((time) => String(Math.floor(time / 1000)))
  return now < expiration
    ? E.right(true)
    : fail(
        'AccessDenied',
        `You post object request has been expired, expiration time: ${then ?? ''} but the time now : ${at ?? ''}`
      )
}

const checkSize =
  ({ conditions }: Policy) =>
  (size: number): E.Either<ServiceError, true> => {
    for (const condition of conditions) {
      if (condition._tag === 'Size' && size > condition.most) return fail('EntityTooLarge')
      if (condition._tag === 'Size' && size < condition.least) return fail('EntityTooSmall')
    }
    return E.right(true)
  }

/**
 * Verifies a form: its policy and signature, or the older field `Signature`, which has the text of an Authorization
 * header. A form with neither is anonymous.
 *
 * @source https://cloud.tencent.com/document/product/436/14690
 */
export const authenticateForm = (
  known: ReadonlyArray<Credentials>,
  request: RoutedRequest,
  fields: FormFields
): E.Either<ServiceError, FormSender> => {
  const { policy, signature } = fields
  const unlimited: Pick<FormSender, 'check'> = { check: () => E.right(true) }
  if (policy === undefined)
    return signature === undefined
      ? E.right({ anonymous: request.anonymous, ...unlimited })
      : pipe(
          authenticate(
            known,
            {
              ...request,
              headers: {
                ...request.headers,
                authorization: signature,
                ...(fields['x-cos-security-token'] === undefined
                  ? {}
                  : { 'x-cos-security-token': fields['x-cos-security-token'] })
              }
            },
            request.now
          ),
          E.map(({ anonymous }) => ({ anonymous, ...unlimited }))
        )
  const text = Buffer.from(policy, 'base64').toString()
  return pipe(
    checkSignature(known, fields, text, request.now),
    E.chain(() => readPolicy(text)),
    E.chainFirst((read) => checkExpiration(read, request.now)),
    E.chainFirst(({ conditions }) =>
      pipe(conditions, E.traverseArray(checkCondition({ ...fields, bucket: request.bucket })))
    ),
    E.map((read) => ({ anonymous: false, check: checkSize(read) }))
  )
}
