/**
 * PUT, GET and DELETE Bucket domaincertificate. The emulator stores for which domains a certificate was set, and neither the
 * certificate nor its key: with `tls` it makes a certificate for every host.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Element } from '../../core/element.js'
import { KiB } from '../../core/limits.js'
import { toFields } from '../../core/xml.js'
import { readXmlBody } from '../http/read-body.js'
import type { Handler, RoutedRequest } from '../http/request.js'
import { empty, xml } from '../http/response.js'
import { type ServiceError, fail } from '../http/service-error.js'
import { authorizeBucket } from './shared/objects.js'

const maxDocument = 256 * KiB

const documentName = (domain: string): string => `domaincertificate/${domain.toLowerCase()}`

const readDomain = ({ query }: RoutedRequest): E.Either<ServiceError, string> => {
  const domain = query['domainname'] ?? ''
  return domain === '' ? fail('InvalidArgument', 'The parameter domainname is missing.') : E.right(domain)
}

/** Reads the children of `DomainCertificate`; returns the domains. */
const readDomains = (rows: ReadonlyArray<Element>): E.Either<ServiceError, ReadonlyArray<string>> => {
  const info = rows.find(({ name }) => name === 'CertificateInfo')
  const domains = rows
    .filter(({ name }) => name === 'DomainList')
    .flatMap(({ children }) => children)
    .map(({ text }) => text.trim())
  return info !== undefined && 'CertType' in toFields(info) && domains.length > 0 && !domains.includes('')
    ? E.right(domains)
    : fail('MalformedXML', 'DomainCertificate must have a CertificateInfo with a CertType, and a DomainList.')
}

export const putDomainCertificate: Handler = (context, request) => async () => {
  const before = authorizeBucket(context, request)
  if (E.isLeft(before)) return before
  const domains = E.chain(readDomains)(await readXmlBody(request, 'DomainCertificate', maxDocument))
  if (E.isLeft(domains)) return domains
  const { bucket } = request
  await Promise.all(
    domains.right.map((domain) =>
      context.store.commit({ _tag: 'BucketConfigured', bucket, name: documentName(domain), document: '' })
    )
  )
  return E.right(empty(200))
}

export const getDomainCertificate: Handler = (context, request) => async () =>
  pipe(
    E.Do,
    E.apS('bucket', authorizeBucket(context, request)),
    E.apS('domain', readDomain(request)),
    E.map(({ bucket, domain }) => {
      const isSet = bucket.configurations.has(documentName(domain))
      return xml(['DomainCertificate', [['Status', isSet ? 'Enabled' : 'Disabled']]])
    })
  )

export const deleteDomainCertificate: Handler = (context, request) => async () => {
  const domain = pipe(
    authorizeBucket(context, request),
    E.chain(() => readDomain(request))
  )
  if (E.isLeft(domain)) return domain
  const { bucket } = request
  await context.store.commit({
    ...{ _tag: 'BucketConfigured', bucket },
    ...{ name: documentName(domain.right), document: null }
  })
  return E.right(empty(204))
}
