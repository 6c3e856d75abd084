import type { Scope } from '@normwatch/protocol'

/** Whose request it is. */
export interface Caller {
  /** Id of the token; that of the operator's begins with `operator`; `owner` on a server that asks for no token. */
  readonly id: string
  readonly name: string
  readonly scope: Scope
  /** The only project it may touch; `null`: every project. */
  readonly project: string | null
  /** Milliseconds since 1970; `null`: never. */
  readonly expiresAt: number | null
  /** How it showed who it is. */
  readonly via: 'nothing' | 'bearer' | 'cookie'
  /** Hash of the token or cookie that it showed, to look again later. */
  readonly credentialHash: string
}

/** The caller of every request to a server that asks for no token. */
export const OWNER: Caller = {
  id: 'owner',
  name: 'owner',
  scope: 'admin',
  project: null,
  expiresAt: null,
  via: 'nothing',
  credentialHash: '',
}
