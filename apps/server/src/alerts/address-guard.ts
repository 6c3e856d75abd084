import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { isWithin, parseRange, type AddressRange } from '../address-ranges.ts'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}
/** All addresses of a host name. Rejects when it has none. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>

/** The system's resolver (hosts file, then DNS). */
export const systemResolve: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }))

/** The receiver's address is not one that the server may connect to. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/**
 * Decides which addresses messages may go to: public unicast addresses, and those the operator allows. Everything else is
 * refused: loopback, private, link-local, unique-local, shared, multicast, reserved, documentation, and IPv6 forms
 * that carry an IPv4 address elsewhere (mapped ones are judged as the IPv4 address they are).
 */
export class AddressGuard {
  readonly #allowed: readonly AddressRange[]
  readonly #resolve: Resolve

  /** `allow`: addresses and CIDR ranges, separated by commas. Throws an `Error` that names a malformed one. */
  constructor(allow: string, resolve: Resolve) {
    this.#resolve = resolve
    this.#allowed = allow
      .split(',')
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .map(parseRange)
  }

  /** Whether an address in its usual notation may be connected to. Never throws. */
  permits(address: string): boolean {
    if (isIP(address) === 0 || address.includes('%')) return false
    const ip = ipaddr.process(address)
    if (isWithin(address, this.#allowed)) return true
    // Only 2000::/3 is assigned to the public internet.
    const global = ip.kind() === 'ipv4' || ip.match(GLOBAL_UNICAST)
    return global && ip.range() === 'unicast'
  }

  /**
   * The addresses of a host that may be connected to, resolved once: the connection must use these without resolving
   * again. `host` as `URL.hostname` has it, which undoes decimal, octal and hexadecimal spellings. Throws
   * `AddressRefused`, or the resolver's error.
   */
  async addressesOf(host: string): Promise<readonly Address[]> {
    const literal = literalOf(host)
    const addresses = literal === undefined ? await this.#resolve(host) : [literal]
    const permitted = addresses.filter(({ address }) => this.permits(address))
    if (permitted.length === 0) throw new AddressRefused(refusal(host))
    return permitted
  }

  /** Throws `AddressRefused` for a host that is an address and refused; a name is judged when it is connected to. */
  refuseLiteral(host: string): void {
    const literal = literalOf(host)
    if (literal !== undefined && !this.permits(literal.address)) throw new AddressRefused(refusal(host))
  }
}

const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')

const refusal = (host: string) =>
  `${host} is not a public address; the operator can allow it with NORMWATCH_WEBHOOK_ALLOW.`

/** The address that a URL's host is, if it is one. */
function literalOf(host: string): Address | undefined {
  const address = host.startsWith('[') ? host.slice(1, -1) : host
  const family = isIP(address)
  return family === 4 || family === 6 ? { address, family } : undefined
}
