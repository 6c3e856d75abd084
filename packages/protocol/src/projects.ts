/** `write`: what an SDK does. `read`: look at everything, change nothing. `admin`: everything. */
export const SCOPES = ['write', 'read', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Every project, or those that a name or pattern matches. */
export type Projects = 'all' | readonly string[]

/** What somebody may do, and in which projects. */
export interface Grant {
  readonly scope: Scope
  readonly projects: Projects
}

/** The projects in which these grants allow any of the scopes; `admin` allows each of them. */
export function projectsFor(grants: readonly Grant[], ...scopes: readonly Scope[]): Projects {
  const patterns = new Set<string>()
  for (const { scope, projects } of grants) {
    if (scope !== 'admin' && !scopes.includes(scope)) continue
    if (projects === 'all') return 'all'
    for (const pattern of projects) {
      if (/^\*+$/.test(pattern)) return 'all'
      patterns.add(pattern)
    }
  }
  return [...patterns]
}

/** Whether a project is one of them. */
export const isAmong = (projects: Projects, project: string): boolean => matcherOf(projects)(project)

/** The same for many projects. */
export function matcherOf(projects: Projects): (project: string) => boolean {
  if (projects === 'all') return () => true
  const patterns = projects.map(literalsOf)
  return (project) => patterns.some((literals) => matches(literals, project))
}

/** The texts between the stars of a pattern: one for a name, `['vision-', '']` for `vision-*`. */
export function literalsOf(pattern: string): string[] {
  const literals = ['']
  for (const [part, escaped] of pattern.matchAll(/\\([*\\])|[^]/gu)) {
    if (part === '*') literals.push('')
    else literals.push((literals.pop() as string) + (escaped ?? part))
  }
  return literals
}

/** The name of the project, where they can be only one. */
export function onlyProject(projects: Projects): string | null {
  const [only, ...others] = projects === 'all' ? [] : projects.map(literalsOf)
  return only?.length === 1 && others.length === 0 ? (only[0] as string) : null
}

/** The pattern that matches this name alone. */
export const patternOf = (name: string): string => name.replace(/[*\\]/g, '\\$&')

/** Each text after the one before it, as early as possible: no other choice would match more. */
function matches([first = '', ...others]: readonly string[], project: string): boolean {
  const last = others.pop()
  if (last === undefined) return project === first
  if (!project.startsWith(first)) return false
  let at = first.length
  for (const literal of others) {
    const found = project.indexOf(literal, at)
    if (found < 0) return false
    at = found + literal.length
  }
  return project.length - last.length >= at && project.endsWith(last)
}
