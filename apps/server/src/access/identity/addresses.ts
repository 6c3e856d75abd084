import { BlockList, isIP } from 'node:net'

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Whether the text is an IP address or a CIDR range, such as `10.0.0.0/8`. */
export function isRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

/** Whether an address lies in one of the ranges, which are separated by commas. An IPv4 address mapped into IPv6 counts as IPv4. */
export function isWithin(address: string, ranges: string): boolean {
  const list = new BlockList()
  for (const range of ranges.split(',')) {
    const [start = '', bits] = range.split('/')
    if (bits === undefined) list.addAddress(start, family(start))
    else list.addSubnet(start, Number(bits), family(start))
  }
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(plain) !== 0 && list.check(plain, family(plain))
}
