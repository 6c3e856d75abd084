import { isLoopbackName } from './local-only.ts'
import type { People } from './identity/people.ts'
import { Provider, type ProviderSettings } from './identity/provider.ts'
import type { ProxyUserSettings } from './identity/proxy-user.ts'
import { readRoles, type Roles } from './identity/roles.ts'
import { NONE, readBound } from './setting-readers.ts'

const text = (value: string): string | undefined => (value === NONE ? undefined : value)

/** Settings for people who sign in at a provider, or at a proxy in front of this server. */
export const peopleSettings = {
  oidcIssuer: {
    default: NONE,
    about: 'the OpenID Connect provider that people sign in with, as https://id.example',
    read: readIssuer,
  },
  oidcClientId: { default: NONE, about: 'the name of this server at the provider', read: text },
  oidcClientSecret: {
    default: NONE,
    about: 'the secret that the provider gave to this server',
    read: text,
    isSecret: true,
  },
  oidcScopes: {
    default: 'openid profile email',
    about: 'what the provider is asked for, separated by spaces; openid must be among them',
    read: readScopes,
  },
  oidcGroupsClaim: {
    default: 'groups',
    about: 'claims of the provider whose values are groups, separated by commas, as groups or hd,email',
    read: readClaims,
  },
  oidcName: {
    default: NONE,
    about: "the provider's name on the sign-in page; defaults to the host of its address",
    read: text,
  },
  oidcSessionHours: {
    default: '12',
    about: 'hours after which people have to sign in at the provider again',
    read: readHours,
  },
  proxyUserHeader: {
    default: NONE,
    about: 'the header in which a proxy of NORMWATCH_TRUST_PROXY names the person it signed in',
    read: readHeader,
  },
  proxyGroupsHeader: {
    default: NONE,
    about: "the header in which it lists that person's groups, separated by commas",
    read: readHeader,
  },
  roles: {
    default: NONE,
    about: 'what groups may do, as ml-admins=admin;team-a=write:proj-a-*,shared;everyone=read:*',
    read: readRoles,
  },
} as const

type Settings = typeof peopleSettings
export type PeopleConfig = { readonly [N in keyof Settings]: ReturnType<Settings[N]['read']> }

/** Throws a message, a whole sentence, where these settings do not work together. */
export function checkPeople(
  config: PeopleConfig & { readonly trustProxy: readonly string[] | undefined },
): void {
  const { oidcIssuer, oidcClientId, oidcClientSecret, proxyUserHeader, proxyGroupsHeader, roles } = config
  const provider = [oidcIssuer, oidcClientId, oidcClientSecret]
  if (new Set(provider.map((value) => value === undefined)).size > 1) {
    throw new Error(
      'NORMWATCH_OIDC_ISSUER, NORMWATCH_OIDC_CLIENT_ID and NORMWATCH_OIDC_CLIENT_SECRET belong together: give all, or none.',
    )
  }
  if (proxyUserHeader !== undefined && config.trustProxy === undefined) {
    throw new Error(
      'NORMWATCH_PROXY_USER_HEADER needs NORMWATCH_TRUST_PROXY: from any other address the header could be forged.',
    )
  }
  if (proxyGroupsHeader !== undefined && proxyUserHeader === undefined) {
    throw new Error('NORMWATCH_PROXY_GROUPS_HEADER needs NORMWATCH_PROXY_USER_HEADER.')
  }
  if ((oidcIssuer !== undefined || proxyUserHeader !== undefined) && roles === undefined) {
    throw new Error('NORMWATCH_ROLES must say what groups may do: without it nobody could sign in.')
  }
}

function readIssuer(value: string): string | undefined {
  if (value === NONE) return undefined
  const url = URL.parse(value)
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === ''
  if (
    !isPlain ||
    !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackName(url.hostname)))
  ) {
    throw new Error(
      `is "${value}"; it must be an https address without a query, such as https://id.example/realms/lab.`,
    )
  }
  return value
}

function readScopes(value: string): string {
  const scopes = value.split(' ').filter((scope) => scope !== '')
  if (!scopes.includes('openid')) throw new Error(`is "${value}"; openid must be among the scopes.`)
  return scopes.join(' ')
}

function readClaims(value: string): readonly string[] {
  const claims = value.split(',').map((claim) => claim.trim())
  if (claims.includes('')) throw new Error(`is "${value}"; it must list names of claims, such as groups.`)
  return claims
}

const MAX_HOURS = 720
function readHours(value: string): number {
  const hours = readBound(value)
  if (hours > MAX_HOURS) throw new Error(`is "${value}"; it must be at most ${MAX_HOURS} hours.`)
  return hours
}

/** The name of a header, in lower case. */
function readHeader(value: string): string | undefined {
  if (value === NONE) return undefined
  const name = value.toLowerCase()
  if (!/^[a-z0-9-]{1,64}$/.test(name) || ['authorization', 'cookie', 'host', 'origin'].includes(name)) {
    throw new Error(`is "${value}"; it must be the name of a header, such as X-Forwarded-User.`)
  }
  return name
}

/** How people sign in, as settings say it. */
export interface PeopleOptions {
  readonly roles: Roles
  readonly sessionHours: number
  /** The address of this server as browsers reach it; left out: the one that the browser asked for. */
  readonly publicUrl?: string | undefined
  readonly provider?: ProviderSettings | undefined
  readonly proxyUsers?: ProxyUserSettings | undefined
}

/** What the settings say of people; `undefined`: only tokens sign in. */
export function peopleOptionsOf(
  config: PeopleConfig & {
    readonly publicUrl: string | undefined
    readonly trustProxy: readonly string[] | undefined
    readonly socket: string | undefined
  },
): PeopleOptions | undefined {
  const { oidcIssuer: issuer, oidcClientId, oidcClientSecret, proxyUserHeader: userHeader } = config
  const { roles, publicUrl, oidcSessionHours: sessionHours } = config
  if (roles === undefined || (issuer === undefined && userHeader === undefined)) return undefined
  const proxies = config.socket === undefined ? (config.trustProxy ?? []) : 'socket'
  return {
    roles,
    sessionHours,
    publicUrl,
    provider:
      issuer === undefined
        ? undefined
        : {
            issuer,
            clientId: oidcClientId as string,
            clientSecret: oidcClientSecret as string,
            scopes: config.oidcScopes,
            groupClaims: config.oidcGroupsClaim,
            name: config.oidcName ?? new URL(issuer).host,
          },
    proxyUsers:
      userHeader === undefined ? undefined : { userHeader, groupsHeader: config.proxyGroupsHeader, proxies },
  }
}

export function peopleOf({ roles, sessionHours, provider }: PeopleOptions, now: () => number): People {
  return {
    roles,
    sessionMs: sessionHours * 3_600_000,
    provider: provider && new Provider(provider, now),
  }
}
