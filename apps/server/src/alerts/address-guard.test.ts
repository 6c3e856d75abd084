import { describe, expect, it } from 'vitest'
import { AddressGuard, AddressRefused, type Address } from './address-guard.ts'

const address = (text: string): Address => ({ address: text, family: text.includes(':') ? 6 : 4 })
const names: Record<string, string[]> = {
  'public.example': ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
  'inside.example': ['10.0.0.7'],
  'metadata.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'mixed.example': ['127.0.0.1', '93.184.215.14'],
}
const resolve = async (host: string) => {
  const found = names[host]
  if (found === undefined) throw new Error(`ENOTFOUND ${host}`)
  return found.map(address)
}
const guard = new AddressGuard('', resolve)
const hostOf = (url: string) => new URL(url).hostname

describe('AddressGuard', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://127.255.255.254/',
    'http://0.0.0.0/',
    'http://0/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0x7f.1/',
    'http://１２７.0.0.1/',
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/',
    'http://100.64.0.1/',
    'http://192.0.0.1/',
    'http://192.0.2.1/',
    'http://198.18.0.1/',
    'http://198.51.100.1/',
    'http://203.0.113.1/',
    'http://224.0.0.1/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    'http://[::]/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[::127.0.0.1]/',
    'http://[fe80::1]/',
    'http://[fc00::1]/',
    'http://[fd12:3456::1]/',
    'http://[fec0::1]/',
    'http://[ff02::1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://[64:ff9b:1::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001:0:7f00:1::]/',
    'http://[2001:db8::1]/',
    'http://[100::1]/',
    'http://[5f00::1]/',
  ])('refuses %s', async (url) => {
    await expect(guard.addressesOf(hostOf(url))).rejects.toBeInstanceOf(AddressRefused)
    expect(() => guard.refuseLiteral(hostOf(url))).toThrow(AddressRefused)
  })
  it.each(['http://[fe80::1%25eth0]/', 'http://[::1%25lo]/', 'http://256.1.1.1/', 'http://0x100000000/'])(
    'leaves %s to the URL parser, which knows no such host',
    (url) => {
      expect(() => new URL(url)).toThrow()
    },
  )
  it.each(['inside.example', 'metadata.example', 'mapped.example'])(
    'refuses %s for where it leads',
    async (host) => {
      await expect(guard.addressesOf(host)).rejects.toBeInstanceOf(AddressRefused)
    },
  )
  it('keeps the public addresses of a name and drops the others', async () => {
    expect(await guard.addressesOf('public.example')).toHaveLength(2)
    expect(await guard.addressesOf('mixed.example')).toEqual([{ address: '93.184.215.14', family: 4 }])
    expect(await guard.addressesOf('8.8.8.8')).toEqual([{ address: '8.8.8.8', family: 4 }])
  })
  it('passes the resolver’s error on', async () => {
    await expect(guard.addressesOf('nowhere.example')).rejects.toThrow('ENOTFOUND')
  })
  it('refuses an address with a zone, whoever gives it', () => {
    expect(guard.permits('fe80::1%eth0')).toBe(false)
    expect(guard.permits('2606:2800:21f::1%eth0')).toBe(false)
    expect(guard.permits('not an address')).toBe(false)
  })
  it('permits exactly the ranges that the operator named, also as mapped addresses', async () => {
    const open = new AddressGuard('127.0.0.0/8, fd00::/8,192.168.1.5', resolve)
    for (const allowed of [
      '127.0.0.1',
      '127.9.9.9',
      '::ffff:127.0.0.1',
      'fd12::1',
      '192.168.1.5',
      '1.1.1.1',
    ]) {
      expect(open.permits(allowed)).toBe(true)
    }
    for (const refused of ['10.0.0.1', '::1', 'fe80::1', '192.168.1.6', '169.254.169.254']) {
      expect(open.permits(refused)).toBe(false)
    }
    expect(await open.addressesOf('mixed.example')).toHaveLength(2)
  })
  it.each(['127.0.0.0/33', 'localhost', '10/8', '10.0.0.0/8;::1'])('names the malformed range %s', (text) => {
    expect(() => new AddressGuard(text, resolve)).toThrow(text)
  })
})
