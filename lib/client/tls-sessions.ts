/** The newest TLS session of each server, so that its next connection resumes it: one round trip and no certificate. */

// As many as the HTTPS agent of Node and the connector of undici keep.
const mostSessions = 100

export interface TlsSessions {
  readonly get: (server: string) => Buffer | undefined
  /** Replaces the session of the server. Beyond 100 servers, the one that was renewed longest ago is forgotten. */
  readonly set: (server: string, session: Buffer) => void
}

export const createTlsSessions = (): TlsSessions => {
  // In the order in which they were set.
  const sessions = new Map<string, Buffer>()
  return {
    get: (server) => sessions.get(server),
    set: (server, session) => {
      sessions.delete(server)
      sessions.set(server, session)
      const [oldest] = sessions.keys()
      if (sessions.size > mostSessions && oldest !== undefined) sessions.delete(oldest)
    }
  }
}
