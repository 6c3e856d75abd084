import type { Grant } from '@normwatch/protocol'

/** Who sent a request. */
export interface Caller {
  /** Id of the token or the person; that of the operator's token begins with `operator`; `owner` on a server that requires no token. */
  readonly id: string
  readonly name: string
  /** What it may do, and in which projects; `access/may.ts` answers questions about them. */
  readonly grants: readonly Grant[]
  /** The ranges it may ask from, separated by commas; `null`: everywhere. */
  readonly addresses: string | null
  /** Milliseconds since 1970; `null`: never. */
  readonly expiresAt: number | null
  /** How it authenticated. */
  readonly via: 'nothing' | 'bearer' | 'cookie' | 'proxy'
  /** Hash of its token or cookie, to check it again later. */
  readonly credentialHash: string
}

/** The caller of every request to a server that requires no token. */
export const OWNER: Caller = {
  id: 'owner',
  name: 'owner',
  grants: [{ scope: 'admin', projects: 'all' }],
  addresses: null,
  expiresAt: null,
  via: 'nothing',
  credentialHash: '',
}
