import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** IP addresses that have a beginning in common. A single address is a range of its own. */
export type AddressRange = ReturnType<typeof ipaddr.parseCIDR>

/** Whether the text is an IP address or a CIDR range, such as `10.0.0.0/8`. */
export function isRange(text: string): boolean {
  const cidr = asCidr(text)
  // ipaddr.js alone would also accept octal, decimal and shortened forms of IPv4.
  return isIP(cidr.slice(0, cidr.indexOf('/'))) !== 0 && ipaddr.isValidCIDR(cidr)
}

/** The range that an IP address or a CIDR range names. Throws an `Error` that names a malformed one. */
export function parseRange(text: string): AddressRange {
  if (!isRange(text)) throw new Error(`"${text}" is neither an IP address nor a CIDR range.`)
  return ipaddr.parseCIDR(asCidr(text))
}

/**
 * Whether an address in its usual notation lies in one of the ranges. An IPv4 address mapped into IPv6 counts as IPv4; an
 * address with a zone lies in none. Never throws.
 */
export function isWithin(address: string, ranges: readonly AddressRange[]): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false
  const ip = ipaddr.process(address)
  return ranges.some(([range, bits]) => range.kind() === ip.kind() && ip.match(range, bits))
}

const asCidr = (text: string): string =>
  text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
