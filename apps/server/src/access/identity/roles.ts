import { ProjectPatternSchema, type Grant, type Scope } from '@normwatch/protocol'

/** What the members of each group may do. */
export type Roles = ReadonlyMap<string, readonly Grant[]>

/** The group of everybody who signs in. */
const EVERYONE = 'everyone'
const PATTERN = new RegExp((ProjectPatternSchema as { pattern?: string }).pattern ?? '', 'u')
/** A group may contain `=`, as names of LDAP groups do. */
const ENTRY = /^(?<group>.{1,256})=(?<scope>admin|write|read)(?::(?<projects>.+))?$/

/**
 * Reads a setting such as `ml-admins=admin;team-a=write:proj-a-*,shared;everyone=read:*`. `undefined`: nobody has a role.
 * Throws a message that continues after the setting's name.
 */
export function readRoles(text: string): Roles | undefined {
  if (text === 'none') return undefined
  const roles = new Map<string, Grant[]>()
  for (const entry of text.split(';').map((part) => part.trim())) {
    const { group, scope, projects } = ENTRY.exec(entry)?.groups ?? {}
    if (group === undefined || scope === undefined) {
      throw new Error(
        `has "${entry}"; each entry must be GROUP=admin, GROUP=write or GROUP=read, with projects as in team-a=write:vision-*,nlp.`,
      )
    }
    const grants = roles.get(group) ?? []
    const reach = readProjects(projects, entry)
    grants.push({ scope: scope as Scope, projects: reach })
    // The scope `write` alone is for jobs: people also look at what they write.
    if (scope === 'write') grants.push({ scope: 'read', projects: reach })
    roles.set(group, grants)
  }
  return roles
}

function readProjects(text: string | undefined, entry: string): Grant['projects'] {
  if (text === undefined) return 'all'
  const patterns = text.split(',').map((part) => part.trim())
  for (const pattern of patterns) {
    if (!PATTERN.test(pattern) || pattern === '' || pattern.length > 128) {
      throw new Error(
        `has "${entry}", where "${pattern}" is no project: it must be a name without /, or a pattern such as vision-*.`,
      )
    }
  }
  return patterns.includes('*') ? 'all' : patterns
}

/** What somebody in these groups may do: all that any of them may, and that everyone may. */
export function grantsOf(groups: readonly string[], roles: Roles): Grant[] {
  return [EVERYONE, ...groups.filter((group) => group !== EVERYONE)].flatMap(
    (group) => roles.get(group) ?? [],
  )
}
