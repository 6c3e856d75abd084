import { expect, it } from 'vitest'
import { placeAfterSignIn } from './place-after-sign-in.ts'

it.each([
  ['/runs/a?x=time', '/', '/runs/a?x=time'],
  ['/normwatch/runs/a', '/normwatch/', '/normwatch/runs/a'],
  [null, '/', '/'],
  ['//evil.example/', '/', '/'],
  ['/\\evil.example', '/', '/'],
  ['https://evil.example/', '/', '/'],
  ['javascript:alert(1)', '/', '/'],
  ['/other', '/normwatch/', '/normwatch/'],
  ['/normwatch/../other', '/normwatch/', '/normwatch/'],
])('after signing in for %j below %j goes to %j', (asked, home, place) =>
  expect(placeAfterSignIn(asked, home)).toBe(place),
)
