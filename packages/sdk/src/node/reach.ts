/** How a program of this machine reaches a server, and what trainings left for one: for the command `normwatch`; not part of the package that is published. */
export { DEFAULT_URL, isServerAddress } from '../server-address.ts'
export { fetchServer } from './fetch-server.ts'
export { followSpool } from './follow.ts'
export { findOwnServer } from './own-server.ts'
export { spoolFolder } from './platform.ts'
export { otherUserOn } from './other-user.ts'
