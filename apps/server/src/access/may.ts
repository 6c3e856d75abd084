import { isAmong, projectsFor, SCOPES, type Projects, type Scope } from '@normwatch/protocol'
import { isWithin, parseRange } from '../address-ranges.ts'
import { Refusal } from '../errors.ts'
import type { Caller } from './identity/caller.ts'
import type { RouteRule } from './route-rules.ts'

/** Names and patterns of projects that a refusal repeats. */
const MAX_NAMED = 5

/** The projects in which a caller may do what a route is for. */
export const reachOf = ({ grants }: Caller, rule: RouteRule): Projects =>
  projectsFor(grants, ...scopesOf(rule))

/** The scopes that a route asks for, one of which is enough; an `admin` may do everything in its projects. */
function scopesOf({ for: who }: RouteRule): readonly Scope[] {
  return who === 'any' || who === 'everybody' ? SCOPES : (who.split(' or ') as Scope[])
}

/** Throws a `Refusal` where a caller may use a route in no project, or not in all where it concerns all. */
export function refuseRoute(caller: Caller, rule: RouteRule): void {
  if (rule.for === 'everybody' || rule.for === 'any') return
  const reach = reachOf(caller, rule)
  if (reach !== 'all' && reach.length === 0) {
    const needed = rule.for === 'admin' ? 'admin' : `${rule.for} or admin`
    const held = SCOPES.filter((scope) => caller.grants.some((grant) => grant.scope === scope))
    throw new Refusal(
      'scope_forbidden',
      `This needs the scope ${needed}; ${isPerson(caller) ? 'you have' : 'this token has'} ${held.join(' and ') || 'none'}.`,
    )
  }
  if (rule.project === 'all') refuseWhole(caller, reach)
}

/** Throws a `Refusal` where a caller may do what concerns all projects in some only. */
export function refuseWhole(caller: Caller, reach: Projects): void {
  if (reach === 'all') return
  throw new Refusal('project_forbidden', `This concerns all projects; ${limited(caller, reach)}`)
}

/** Throws a `Refusal` where a project is not among those in which a caller may do what it asks. */
export function refuseProject(caller: Caller, reach: Projects, project: string | undefined): void {
  if (project === undefined || isAmong(reach, project)) return
  const isAllItHas = String(projectsFor(caller.grants, ...SCOPES)) === String(reach)
  const sentence = limited(caller, reach)
  throw new Refusal(
    'project_forbidden',
    isAllItHas ? sentence.replace(/^./, (letter) => letter.toUpperCase()) : `For this, ${sentence}`,
  )
}

/** Throws a `Refusal` where a caller asks from an address that its token does not name. */
export function refuseElsewhere({ addresses }: Caller, address: string): void {
  if (addresses === null || isWithin(address, addresses.split(',').map(parseRange))) return
  throw new Refusal('address_forbidden')
}

/** Whether somebody signed in, and not with a token. */
const isPerson = ({ id }: Caller) => id.startsWith('person_')

function limited(caller: Caller, reach: Projects): string {
  const named = reach === 'all' ? [] : reach.map((pattern) => `"${pattern}"`)
  const more = named.length > MAX_NAMED ? ` and ${named.length - MAX_NAMED} more` : ''
  const names = named.slice(0, MAX_NAMED).join(', ') + more
  const who = isPerson(caller) ? 'you are' : 'this token is'
  return `${who} limited to the project${named.length === 1 ? '' : 's'} ${names}.`
}
