/** The default address of a server. */
export const DEFAULT_URL = 'http://127.0.0.1:4280'
const UNIX = 'unix:'
/** Where the pages of a server on a Unix socket are reached after `ssh -L 4280:/path`. */
const FORWARDED = 'http://localhost:4280'

/**
 * Whether this is the address of a server: an http or https address, or `unix:/path`. A user name or password is not allowed,
 * because addresses are printed. A query or fragment is not allowed, because paths are appended.
 */
export function isServerAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false
  // eslint-disable-next-line no-control-regex -- control characters are what a path must not have
  if (value.startsWith(UNIX)) return /^unix:\/[^\u0000-\u001f]+$/.test(value)
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '')
}

/** Whether the address can only be reached from this machine. */
export function isLoopback(url: string): boolean {
  if (url.startsWith(UNIX)) return true
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname)
}

/** Splits an address below `unix:/path` into socket and path; the path begins at `/api/`. `undefined` for any other address. */
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
