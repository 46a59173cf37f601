/**
 * A certificate for TLS servers on the loopback, signed with its own key: `localhost` and 127.0.0.1, until 2126. The key
 * is published here and protects nothing. `node:crypto` cannot make a certificate; this one is of
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost \
 *       -addext 'subjectAltName=IP:127.0.0.1,DNS:localhost'
 */
export const certificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUFLwvK1HyddhYubdeCXN1htB10i8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODE0NDMzMloYDzIxMjYxMTA0
MTQ0MzMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAShIHNc7gnDKnr4Sef8prQ3hqPUld96rtlQKLMwFzA/eh3ULfvAtlKX
1/QIOgyHrlU5Eq6QzvLhTQDjs2qy+ex1o28wbTAdBgNVHQ4EFgQUZVR9dVrdDBK2
bYvDNBW9wNxVRJUwHwYDVR0jBBgwFoAUZVR9dVrdDBK2bYvDNBW9wNxVRJUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSAAwRQIhALGvnUjqpZ7cNRGfWxQybJRbCg9OVnuIbpOdE9c+s/pGAiBR
CPe5iRgQAFrfBb2lPZE5v7sAkpyqRVJTLuxDnmBcVw==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjk9CQcpNGmGdJDPn
LilaagovXYaDiKsos1BfZgimUvOhRANCAAShIHNc7gnDKnr4Sef8prQ3hqPUld96
rtlQKLMwFzA/eh3ULfvAtlKX1/QIOgyHrlU5Eq6QzvLhTQDjs2qy+ex1
-----END PRIVATE KEY-----
`
}
