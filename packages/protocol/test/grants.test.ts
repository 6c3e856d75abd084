import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProjectPatternSchema } from '../src/grants.ts'
import {
  isAmong,
  literalsOf,
  onlyProject,
  patternOf,
  projectsFor,
  type Grant,
  type Projects,
  type Scope,
} from '../src/projects.ts'

const name = fc.stringMatching(/^[ab*\\?%[\]_ü-]{1,12}$/)
const pattern = fc.array(fc.oneof(fc.constant('*'), name.map(patternOf)), { minLength: 1, maxLength: 4 })

/** What a pattern matches, by trying every way to fill its stars. */
function matchesSlowly([first = '', ...others]: readonly string[], text: string): boolean {
  if (others.length === 0) return text === first
  if (!text.startsWith(first)) return false
  const left = text.slice(first.length)
  return Array.from({ length: left.length + 1 }, (_, i) => left.slice(i)).some((end) =>
    matchesSlowly(others, end),
  )
}

describe('a pattern of projects', () => {
  it.each([
    ['vision', 'vision', true],
    ['vision', 'vision-2', false],
    ['vision', 'Vision', false],
    ['vision-*', 'vision-', true],
    ['vision-*', 'vision-2', true],
    ['vision-*', 'vision', false],
    ['*-eval', 'a-eval', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*b*', 'abc', true],
    ['a*b*c', 'abbc', true],
    ['a*bc*bc', 'abc', false],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a\\\\', 'a\\', true],
    ['a.c', 'abc', false],
    ['a?c', 'abc', false],
  ])('%j on %j: %j', (pattern, project, is) => expect(isAmong([pattern], project)).toBe(is))

  it('matches a text exactly where its stars can be filled', () => {
    fc.assert(
      fc.property(pattern, name, (parts, text) => {
        const pattern = parts.join('')
        expect(isAmong([pattern], text)).toBe(matchesSlowly(literalsOf(pattern), text))
      }),
    )
  })

  it('made of a name matches that name alone', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(isAmong([patternOf(one)], other)).toBe(one === other)
        expect(onlyProject([patternOf(one)])).toBe(one)
      }),
    )
  })

  it.each([
    ['a', true],
    ['vision-*', true],
    ['*a*b*c*', true],
    ['*a*b*c*d*', false],
    ['a\\*b', true],
    ['a\\b', false],
    ['a/b', false],
    ['a\nb', false],
  ])('%j may be given: %j', (text, may) => {
    const { pattern } = ProjectPatternSchema as { pattern?: string }
    expect(new RegExp(pattern as string, 'u').test(text)).toBe(may)
  })
})

describe('grants', () => {
  const grants: Grant[] = [
    { scope: 'read', projects: ['a', 'b-*'] },
    { scope: 'write', projects: ['c'] },
    { scope: 'admin', projects: ['d'] },
  ]
  it.each([
    [grants, ['read'], ['a', 'b-*', 'd']],
    [grants, ['write'], ['c', 'd']],
    [grants, ['read', 'write'], ['a', 'b-*', 'c', 'd']],
    [grants, ['admin'], ['d']],
    [[], ['read'], []],
    [[{ scope: 'read', projects: [] }], ['read'], []],
    [[...grants, { scope: 'read', projects: 'all' }], ['read'], 'all'],
    [[...grants, { scope: 'read', projects: 'all' }], ['write'], ['c', 'd']],
    [[{ scope: 'admin', projects: 'all' }], ['write'], 'all'],
    [[{ scope: 'write', projects: ['**'] }], ['write'], 'all'],
  ] satisfies [Grant[], Scope[], Projects][])('%j allow %j in %j', (given, scopes, projects) => {
    expect(projectsFor(given, ...scopes)).toEqual(projects)
  })

  it.each([
    ['all', null],
    [[], null],
    [['a'], 'a'],
    [['a*'], null],
    [['a', 'b'], null],
  ] as const)('of %j name one project: %j', (projects, only) => expect(onlyProject(projects)).toBe(only))
})
