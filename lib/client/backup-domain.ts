/** The second domain of COS, for the last attempt of a call that the first domain did not answer. */
import type { CosError } from '../core/error.js'
import { hostOf, type Endpoint } from '../core/address.js'

/** Hosts of a bucket by region. Accelerate, internal and custom hosts have no backup. */
const primaryHost = /^([a-z0-9-]+-[0-9]+\.cos\.[a-z]+-[a-z]+(?:-[a-z]+)?(?:-1)?)\.myqcloud\.com$/

/**
 * A response that COS did not write, or no response at all.
 *
 * @source each response of COS has `x-cos-request-id`
 */
const isWithoutCos = (error: CosError): boolean => {
  switch (error._tag) {
    case 'TransportError':
      return true
    case 'Timeout':
      return error.phase === 'connect' || error.phase === 'headers' || error.phase === 'idle'
    case 'ServiceError':
      return error.requestId === '' && error.status >= 500
    case 'DecodeError':
      return error.requestId === ''
    default:
      return false
  }
}

/** A redirect that COS did not write: of a captive portal, or of a resolver that lies. It is never followed. */
const isForeignRedirect = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.requestId === '' && [301, 302, 307].includes(error.status)

/** The same bucket in the second domain; undefined if its host has none. */
const backupOf = (endpoint: Endpoint, bucket: string): Endpoint | undefined => {
  const [, name] = primaryHost.exec(hostOf(endpoint, bucket)) ?? []
  return name === undefined ? undefined : { ...endpoint, domain: `${name}.tencentcos.cn` }
}

/**
 * The endpoint of the next attempt: the backup domain after a foreign redirect, and for the last attempt if the one before
 * had no response of COS.
 *
 * @param attempts of the retry policy
 * @param failures errors of the attempts before, oldest first
 */
export const endpointOfAttempt = (
  endpoint: Endpoint,
  bucket: string,
  attempts: number,
  failures: ReadonlyArray<CosError>
): Endpoint => {
  const last = failures.at(-1)
  if (last === undefined) return endpoint
  const isLast = failures.length === attempts - 1
  return failures.some(isForeignRedirect) || (isLast && isWithoutCos(last))
    ? (backupOf(endpoint, bucket) ?? endpoint)
    : endpoint
}

/** Whether a foreign redirect is retried: the first one, of a host that has a backup. */
export const canSwitch = (endpoint: Endpoint, bucket: string, failures: ReadonlyArray<CosError>): boolean => {
  const last = failures.at(-1)
  return (
    last !== undefined &&
    isForeignRedirect(last) &&
    !failures.slice(0, -1).some(isForeignRedirect) &&
    backupOf(endpoint, bucket) !== undefined
  )
}
