import { expect, it } from 'vitest'
import { personId, personOf } from './person.ts'

const of = (claims: Record<string, unknown>, groupClaims = ['groups']) =>
  personOf('https://id.example', { sub: 's', ...claims }, groupClaims)

it('takes groups from each claim named, be it a text or a list, and nothing else', () => {
  const claims = { groups: ['a', 'b', 'a', 7, '', null], hd: 'lab.example', roles: { c: true } }
  expect(of(claims, ['groups', 'hd', 'roles', 'missing']).groups).toEqual(['a', 'b', 'lab.example'])
  expect(of({ groups: Array.from({ length: 5_000 }, (_, i) => `g${i}`) }).groups).toHaveLength(1_000)
})

it('takes an email address for a group only where the provider verified it', () => {
  const email = 'ada@lab.example'
  expect(of({ email }, ['email']).groups).toEqual([])
  expect(of({ email, email_verified: 'true' }, ['email']).groups).toEqual([])
  expect(of({ email, email_verified: true }, ['email']).groups).toEqual([email])
})

it.each([
  [{ name: 'Ada', preferred_username: 'al' }, 'Ada'],
  [{ name: ' \u0000\n', preferred_username: 'al' }, 'al'],
  [{ email: 'a@b.example' }, 'a@b.example'],
  [{ name: 7 }, 's'],
  [{ name: 'x'.repeat(500) }, 'x'.repeat(128)],
])('names the person of %j', (claims, name) => {
  expect(of(claims).name).toBe(name)
})

it('never takes two people for one', () => {
  const ids = [
    { issuer: 'https://a.example', subject: '1' },
    { issuer: 'https://a.example', subject: '2' },
    { issuer: 'https://b.example', subject: '1' },
    { issuer: 'proxy', subject: '1' },
  ].map(personId)
  expect(new Set(ids).size).toBe(4)
})
