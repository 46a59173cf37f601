/** The names of encryption metadata. */

export const metaPrefix = 'x-cos-meta-'

/** Of the metadata of the Python, Go and Java SDKs, after `x-cos-meta-`. */
export const prefix = 'client-side-encryption-'

/** Of the header of a sealed object, after `x-cos-meta-`. */
export const sealedName = 'cospipe-sealed'

const oldNames = /^x-cos-(?:key|key-v2|iv|cek-alg|wrap-alg|tag-len|matdesc|crypto-instr-file)$/

/** Names of encryption metadata, without `x-cos-meta-`. */
const isEncryptionName = (name: string): boolean =>
  name.startsWith(prefix) || name.startsWith(sealedName) || oldNames.test(name)

/** A name of user metadata that would be taken for encryption metadata. With or without the prefix, in any case. */
export const isReservedMetadata = (name: string): boolean => {
  const lower = name.toLowerCase()
  return isEncryptionName(lower.startsWith(metaPrefix) ? lower.slice(metaPrefix.length) : lower)
}

/** The metadata of the user: without those of the encryption. */
export const userMetadata = (metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => !isEncryptionName(name)))
