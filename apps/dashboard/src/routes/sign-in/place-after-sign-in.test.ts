import fc from 'fast-check'
import { expect, it } from 'vitest'
import { placeAfterSignIn } from './place-after-sign-in.ts'

it.each([
  ['/runs/a?x=time', '/', '/runs/a?x=time'],
  ['/normwatch/runs/a', '/normwatch/', '/normwatch/runs/a'],
  [null, '/', '/'],
  ['//evil.example/', '/', '/'],
  ['/\\evil.example', '/', '/'],
  ['/.//evil.example', '/', '/evil.example'],
  ['/x/..//evil.example', '/', '/evil.example'],
  ['/normwatch/..//evil.example', '/normwatch/', '/normwatch/'],
  ['https://evil.example/', '/', '/'],
  ['javascript:alert(1)', '/', '/'],
  ['/other', '/normwatch/', '/normwatch/'],
  ['/normwatch/../other', '/normwatch/', '/normwatch/'],
])('after signing in for %j below %j goes to %j', (asked, home, place) =>
  expect(placeAfterSignIn(asked, home)).toBe(place),
)

it('never leads to another server, whatever is asked for', () => {
  const part = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '//',
    'evil.example',
    '@',
    ':',
    '?',
    '#',
    '%2f',
    '\t',
    '\n',
    'http:',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom('/', '/normwatch/'), (parts, home) => {
      const place = URL.parse(placeAfterSignIn(`/${parts.join('')}`, home), 'https://norm.example')
      expect(place?.origin).toBe('https://norm.example')
      expect(place?.pathname.startsWith(home)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
