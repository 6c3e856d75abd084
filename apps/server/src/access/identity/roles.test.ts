import { expect, it } from 'vitest'
import { grantsOf, readRoles, type Roles } from './roles.ts'

const read = (text: string) => readRoles(text) as Roles

it('reads what each group may do, and adds up what somebody in several may', () => {
  const roles = read(
    ' ml-admins=admin; team-a=write:proj-a-*, shared ;team-a=read:*;everyone=read:open;cn=x,ou=y=read',
  )
  expect(grantsOf(['ml-admins'], roles)).toEqual([
    { scope: 'read', projects: ['open'] },
    { scope: 'admin', projects: 'all' },
  ])
  expect(grantsOf(['team-a', 'unknown', 'everyone'], roles)).toEqual([
    { scope: 'read', projects: ['open'] },
    { scope: 'write', projects: ['proj-a-*', 'shared'] },
    { scope: 'read', projects: ['proj-a-*', 'shared'] },
    { scope: 'read', projects: 'all' },
  ])
  expect(grantsOf(['cn=x,ou=y'], roles)).toContainEqual({ scope: 'read', projects: 'all' })
})

it('gives nothing to who is in no group of the setting, nor where there is none', () => {
  expect(grantsOf(['team-b', '__proto__'], read('team-a=read'))).toEqual([])
  expect(readRoles('none')).toBeUndefined()
})

it.each([
  ['ml', 'has "ml"'],
  ['ml=owner', 'has "ml=owner"'],
  ['=read', 'has "=read"'],
  ['a=read;', 'has ""'],
  ['a=read;b=write:', 'has "b=write:"'],
  ['a=read:x,,y', 'where "" is no project'],
  ['a=read:x/y', 'where "x/y" is no project'],
  ['a=read:*-*-*-*-*', 'is no project'],
])('refuses %j and names the entry', (text, says) => {
  expect(() => readRoles(text)).toThrow(says)
})
