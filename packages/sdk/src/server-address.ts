/** The default address of a server. */
export const DEFAULT_URL = 'http://127.0.0.1:4280'
const UNIX = 'unix:'
/** Where `ssh -L 4280:/path` shows the pages of a server on a socket. */
const FORWARDED = 'http://localhost:4280'

/**
 * Whether this names a server: an http or https address, or `unix:/path`. A name or a password in the address would be
 * printed with it; paths are added to its end.
 */
export function isServerAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false
  // eslint-disable-next-line no-control-regex -- control characters are what a path must not have
  if (value.startsWith(UNIX)) return /^unix:\/[^\u0000-\u001f]+$/.test(value)
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '')
}

/** Whether only this machine reaches the server by this address. */
export function isLoopback(url: string): boolean {
  if (url.startsWith(UNIX)) return true
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname)
}

/** Socket and path of an address below `unix:/path`, whose API begins at `/api/`; `undefined` for another address. */
export function socketOf(
  address: string,
): { readonly socketPath: string; readonly path: string } | undefined {
  if (!address.startsWith(UNIX)) return undefined
  const api = address.lastIndexOf('/api/')
  return { socketPath: address.slice(UNIX.length, api), path: address.slice(api) }
}

/** The address of a run's page in a browser. */
export function pageOf(url: string, run: string): string {
  return `${url.startsWith(UNIX) ? FORWARDED : url}/runs/${run}`
}
