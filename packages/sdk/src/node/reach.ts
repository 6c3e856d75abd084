/** How a program of this machine reaches a server: for the command `normwatch`; not part of the package that is published. */
export { DEFAULT_URL, isServerAddress } from '../server-address.ts'
export { fetchServer } from './fetch-server.ts'
export { findOwnServer } from './own-server.ts'
export { otherUserOn } from './other-user.ts'
