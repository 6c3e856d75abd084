import type { Scope } from '@normwatch/protocol'

/** Who sent a request. */
export interface Caller {
  /** Id of the token; that of the operator's begins with `operator`; `owner` on a server that requires no token. */
  readonly id: string
  readonly name: string
  readonly scope: Scope
  /** The only project it may touch; `null`: every project. */
  readonly project: string | null
  /** The ranges it may ask from, separated by commas; `null`: everywhere. */
  readonly addresses: string | null
  /** Milliseconds since 1970; `null`: never. */
  readonly expiresAt: number | null
  /** How it authenticated. */
  readonly via: 'nothing' | 'bearer' | 'cookie'
  /** Hash of its token or cookie, to check it again later. */
  readonly credentialHash: string
}

/** The caller of every request to a server that requires no token. */
export const OWNER: Caller = {
  id: 'owner',
  name: 'owner',
  scope: 'admin',
  project: null,
  addresses: null,
  expiresAt: null,
  via: 'nothing',
  credentialHash: '',
}
