/** Credentials and a region from environment variables, under the names that COS's own tools read. */
import * as E from 'fp-ts/lib/Either.js'
import { contextWithoutObject, invalidInput, type InvalidInput } from '../core/error.js'
import { defined } from '../core/input.js'
import { missing as required } from '../core/problem.js'
import { createClient, type Client, type ClientConfig } from './client.js'
import type { Credentials } from './credentials.js'

type Environment = Readonly<Record<string, string | undefined>>

const notSet = (field: string): E.Either<InvalidInput, never> =>
  E.left(
    invalidInput(
      contextWithoutObject('credentialsFromEnvironment'),
      required(field, 'environment variable is not set')
    )
  )

/**
 * Reads `COS_SECRET_ID`, `COS_SECRET_KEY` and, for temporary credentials, `COS_SESSION_TOKEN`.
 *
 * @errors `InvalidInput` whose field is the variable's name; an empty variable counts as missing
 */
export const credentialsFromEnvironment = (
  environment: Environment = process.env
): E.Either<InvalidInput, Credentials> => {
  const secretId = environment['COS_SECRET_ID']
  const secretKey = environment['COS_SECRET_KEY']
  if (!secretId) return notSet('COS_SECRET_ID')
  if (!secretKey) return notSet('COS_SECRET_KEY')
  return E.right({
    secretId,
    secretKey,
    ...defined({ sessionToken: environment['COS_SESSION_TOKEN'] || undefined })
  })
}

/**
 * Makes a client from the environment: the credentials of `credentialsFromEnvironment`, and `COS_REGION`.
 *
 * @example const client = clientFromEnvironment()
 * @errors `InvalidInput` naming the variable or the field
 */
export const clientFromEnvironment = (
  config: Omit<ClientConfig, 'credentials'> = {},
  environment: Environment = process.env
): E.Either<InvalidInput, Client> =>
  E.chain((credentials: Credentials) =>
    createClient({ ...defined({ region: environment['COS_REGION'] || undefined }), ...config, credentials })
  )(credentialsFromEnvironment(environment))
