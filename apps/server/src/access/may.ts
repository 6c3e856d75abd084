import { isWithin, parseRange } from '../address-ranges.ts'
import { Refusal } from '../errors.ts'
import type { Caller } from './identity/caller.ts'
import type { RouteRule } from './route-rules.ts'

/** Whether a caller's scope is enough for a route; projects are checked separately. */
export function mayUse(caller: Caller | undefined, { for: who }: RouteRule): boolean {
  if (who === 'everybody') return true
  if (caller === undefined) return false
  return who === 'any' || caller.scope === 'admin' || who.split(' or ').includes(caller.scope)
}

/** Whether a caller may touch the runs of this project. */
export function mayTouch({ project: only }: Caller, project: string): boolean {
  return only === null || only === project
}

/** The refusal of a caller that is limited to another project. */
export function forbidden({ project }: Caller): Refusal {
  return new Refusal('project_forbidden', `This token is limited to the project "${project}".`)
}

/** Throws a `Refusal` where a caller asks from an address that its token does not name. */
export function refuseElsewhere({ addresses }: Caller, address: string): void {
  if (addresses === null || isWithin(address, addresses.split(',').map(parseRange))) return
  throw new Refusal('address_forbidden')
}
