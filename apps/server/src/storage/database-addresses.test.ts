import { expect, it } from 'vitest'
import { addressesOf } from './database-addresses.ts'

it.each([
  ['postgres://a/d', ['postgres://a/d']],
  ['postgres://u:p@a:1,b:2/d?x=1', ['postgres://u:p@a:1/d?x=1', 'postgres://u:p@b:2/d?x=1']],
  ['postgres://u:p%40,q@[::1]:1,b/d', ['postgres://u:p%40,q@[::1]:1/d', 'postgres://u:p%40,q@b/d']],
  ['postgres://u@/d?host=%2Frun,x', ['postgres://u@/d?host=%2Frun,x']],
])('splits the servers of %s', (url, addresses) => {
  expect(addressesOf(url)).toEqual(addresses)
})
