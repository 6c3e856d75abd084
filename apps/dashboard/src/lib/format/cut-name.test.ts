import { expect, it } from 'vitest'
import { cutName } from './cut-name.ts'

it.each([
  ['short', 'short'],
  ['vit-lr-sweep/cifar10.json (21)', 'vit-lr-sw…json (21)'],
])('shows both ends of the name %j', (name, shown) => {
  expect(cutName(name, 19)).toBe(shown)
})
