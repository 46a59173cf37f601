/**
 * The configurations of a bucket, as data. The emulator stores each document and returns it. None has an effect, except
 * CORS.
 */
import type { Code } from './service-error.js'

export interface Configuration {
  /** The parameter that names the configuration in a request. */
  readonly parameter: string
  /** The root element of the document; undefined for JSON. */
  readonly root: string | undefined
  /** The response if there is no document: an error, or an empty document. */
  readonly absent: Code | 'EmptyDocument'
  /** The parameter that chooses one of several documents. */
  readonly id?: string
  /** The root element of the list of all documents, for a request without `id`. */
  readonly list?: string
  /** The document that an older API shares with a newer one. */
  readonly sameAs?: string
}

export const configurations = {
  Accelerate: { parameter: 'accelerate', root: 'AccelerateConfiguration', absent: 'EmptyDocument' },
  Cors: { parameter: 'cors', root: 'CORSConfiguration', absent: 'NoSuchCORSConfiguration' },
  Domain: { parameter: 'domain', root: 'DomainConfiguration', absent: 'DomainConfigNotFoundError' },
  Encryption: {
    ...{ parameter: 'encryption', root: 'ServerSideEncryptionConfiguration' },
    absent: 'NoSuchEncryptionConfiguration'
  },
  IntelligentTiering: {
    ...{ parameter: 'intelligent-tiering', root: 'IntelligentTieringConfiguration' },
    ...{ absent: 'NoSuchConfiguration', id: 'id', list: 'ListBucketIntelligentTieringConfigurationsOutput' }
  },
  /** The older API of the document `default`. */
  IntelligentTieringDefault: {
    ...{ parameter: 'intelligenttiering', root: 'IntelligentTieringConfiguration', absent: 'EmptyDocument' },
    sameAs: 'intelligent-tiering/default'
  },
  Inventory: {
    ...{ parameter: 'inventory', root: 'InventoryConfiguration', absent: 'NoSuchConfiguration', id: 'id' },
    list: 'ListInventoryConfigurationResult'
  },
  Lifecycle: {
    ...{ parameter: 'lifecycle', root: 'LifecycleConfiguration', absent: 'NoSuchLifecycleConfiguration' }
  },
  Logging: { parameter: 'logging', root: 'BucketLoggingStatus', absent: 'EmptyDocument' },
  Notification: { parameter: 'notification', root: 'NotificationConfiguration', absent: 'EmptyDocument' },
  ObjectLock: {
    ...{ parameter: 'object-lock', root: 'ObjectLockConfiguration' },
    absent: 'ObjectLockConfigurationNotFoundError'
  },
  Origin: { parameter: 'origin', root: 'OriginConfiguration', absent: 'NoSuchOriginConfiguration' },
  Policy: { parameter: 'policy', root: undefined, absent: 'NoSuchPolicy' },
  Referer: { parameter: 'referer', root: 'RefererConfiguration', absent: 'EmptyDocument' },
  Replication: {
    ...{ parameter: 'replication', root: 'ReplicationConfiguration' },
    // As in COS's list of error codes. The Node SDK takes the spelling `...notFoundError` for no error; its tests expect one.
    absent: 'ReplicationConfigurationNotFoundError'
  },
  Tagging: { parameter: 'tagging', root: 'Tagging', absent: 'NoSuchTagSet' },
  Website: { parameter: 'website', root: 'WebsiteConfiguration', absent: 'NoSuchWebsiteConfiguration' }
} as const satisfies Readonly<Record<string, Configuration>>

export type ConfigurationName = keyof typeof configurations
export type ConfigurationOperation = `${'Delete' | 'Get' | 'Put'}Bucket${ConfigurationName}`

const isConfigurationName = (name: string): name is ConfigurationName => Object.hasOwn(configurations, name)

export const configurationNames: ReadonlyArray<ConfigurationName> =
  Object.keys(configurations).filter(isConfigurationName)

const byParameter = new Map<string, ConfigurationName>(
  configurationNames.map((name) => [configurations[name].parameter, name])
)

/** The configuration that a query names. */
export const configurationOf = (query: Readonly<Record<string, string>>): ConfigurationName | undefined =>
  Object.keys(query)
    .map((parameter) => byParameter.get(parameter))
    .find((name) => name !== undefined)
