/** The layer that gets the credentials of a request, and replaces a token that COS reports as expired. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../core/error.js'
import { isReplayableBody } from '../core/body.js'
import type { Send } from './call.js'
import type { Client } from './client.js'
import type { Credentials } from './credentials.js'

/** Whether COS refused the token as expired, though its source returned it as valid. A refused HEAD has no such code. */
const isExpiredToken = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.code === 'ExpiredToken'

/**
 * Sends with the client's credentials. If COS refuses their token as expired and the source returns another token, sends
 * once more with the new token.
 *
 * @shape  `sendAs` returns the layer inside; `undefined` sends unsigned
 * @errors `CredentialsError`, before anything is sent; those of `sendAs`
 */
export const withFreshCredentials =
  (client: Client) =>
  <A>(sendAs: (credentials: Credentials | undefined) => Send<A>): Send<A> =>
  (request, call) =>
  async () => {
    const signed = await client.signer(call.context())()
    if (E.isLeft(signed)) return signed
    const credentials = signed.right
    const sendAgain = (error: CosError): TE.TaskEither<CosError, A> =>
      pipe(
        // Also for a body that cannot be sent again: the next call must not get the expired token.
        client.signer(call.context(), credentials),
        TE.mapLeft(() => error),
        TE.filterOrElse(
          (fresh) => isReplayableBody(request.body) && fresh?.sessionToken !== credentials?.sessionToken,
          () => error
        ),
        TE.chain((fresh) => sendAs(fresh)(request, call))
      )
    const sent = await sendAs(credentials)(request, call)()
    return E.isLeft(sent) && isExpiredToken(sent.left) ? sendAgain(sent.left)() : sent
  }
