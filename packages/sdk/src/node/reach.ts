/** For the command `normwatch`: how to reach a server, and which spool files trainings left. Not part of the published package. */
export { DEFAULT_URL, isServerAddress, socketOf } from '../server-address.ts'
export { fetchServer } from './fetch-server.ts'
export { followSpool } from './follow.ts'
export { findOwnServer } from './own-server.ts'
export { spoolFolder } from './spool-folder.ts'
export { readSyncOptions } from './sync-options.ts'
export { otherUserOn } from './other-user.ts'
