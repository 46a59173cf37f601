/** POST Object: an upload by a form of a browser. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { encodeKey, withoutLeadingSlash } from '../../core/key.js'
import { type Form, readForm } from '../http/form-data.js'
import { authenticateForm } from '../http/post-policy.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { type EmulatorResponse, empty, xml } from '../http/response.js'
import { checkKey } from '../http/route.js'
import { type ServiceError, fail } from '../http/service-error.js'
import { storeObject } from './put-object.js'

type Headers = Readonly<Record<string, string>>

const metadata = /^(?:cache-control|content-(?:disposition|encoding|language|type|md5)|expires|x-cos-.+)$/

/** The fields that are headers of PUT Object, one character for each byte. */
const headersOf = (fields: Headers): E.Either<ServiceError, Headers> => {
  const acl = fields['acl'] === undefined ? {} : { 'x-cos-acl': fields['acl'] }
  const headers = Object.entries({ ...fields, ...acl })
    .filter(([name, value]) => metadata.test(name) && value !== '')
    .map(([name, value]) => [name, Buffer.from(value).toString('latin1')] as const)
  // eslint-disable-next-line no-control-regex
  const invalid = headers.find(([, value]) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
  return invalid === undefined
    ? E.right(Object.fromEntries(headers))
    : fail('InvalidArgument', `The field ${invalid[0]} must not contain control characters.`)
}

/** `${filename}` in the key is the name of the file, without the folders that some browsers send. */
const keyOf = ({ fields, filename }: Form): E.Either<ServiceError, string> => {
  const base = filename.replace(/^.*[/\\]/, '')
  const key = withoutLeadingSlash((fields['key'] ?? '').replaceAll('${filename}', () => base))
  if (key === '') return fail('InvalidArgument', 'The form has no field "key" before the file.')
  return checkKey(key)
}

/** The redirect, the document or the empty response that the form asks for. */
const respond = (
  { scheme, host, bucket }: RoutedRequest,
  key: string,
  fields: Headers,
  stored: Headers
): EmulatorResponse => {
  const location = `${scheme}://${host}/${encodeKey(key)}`
  const etag = stored['etag'] ?? ''
  const redirect = fields['success_action_redirect'] ?? ''
  if (URL.canParse(redirect)) {
    const target = new URL(redirect)
    for (const [name, value] of Object.entries({ bucket, key, etag })) target.searchParams.set(name, value)
    return empty(303, { ...stored, location: target.href })
  }
  const headers = { ...stored, location }
  if (fields['success_action_status'] === '200') return empty(200, headers)
  if (fields['success_action_status'] !== '201') return empty(204, headers)
  const rows = [
    ['Location', location],
    ['Bucket', bucket],
    ['Key', key],
    ['ETag', etag]
  ] as const
  return { ...xml(['PostResponse', rows], headers), status: 201 }
}

const storeForm = async (
  context: EmulatorContext,
  request: RoutedRequest,
  form: Form
): Promise<E.Either<ServiceError, EmulatorResponse>> => {
  const checked = pipe(
    E.Do,
    E.apS('key', keyOf(form)),
    E.apS('headers', headersOf(form.fields)),
    E.bind('sender', ({ key }) =>
      // The policy's conditions are about the final key.
      authenticateForm(context.settings.credentials, request, { ...form.fields, key })
    )
  )
  if (E.isLeft(checked)) return checked
  const { key, headers, sender } = checked.right
  const upload: RoutedRequest = {
    ...{ ...request, key, anonymous: sender.anonymous, headers },
    body: { declared: undefined, chunked: true, read: form.bytes }
  }
  const check = (size: number): E.Either<ServiceError, true> =>
    form.isComplete() ? sender.check(size) : fail('IncompleteBody')
  return pipe(
    await storeObject(context, upload, { chunked: true, check }),
    E.map((stored) => respond(request, key, form.fields, stored))
  )
}

export const postObject: Handler = (context, request) => async () => {
  const form = await readForm(request.headers['content-type'] ?? '', request.body.read())
  if (E.isLeft(form)) return form
  try {
    return await storeForm(context, request, form.right)
  } finally {
    await form.right.close()
  }
}
