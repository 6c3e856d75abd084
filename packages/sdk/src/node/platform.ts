import { hostname } from 'node:os'
import type { Platform } from '../platform.ts'
import { askLastStep } from './ask-last-step.ts'
import { watchExit } from './exit.ts'
import { fetchServer } from './fetch-server.ts'
import { findOwnServer } from './own-server.ts'
import { otherUserOn } from './other-user.ts'
import { lastSpooledStep, listSpoolFiles, spoolPath } from './list-spool-files.ts'
import { print } from './print.ts'
import { SpoolFile } from './spool-file.ts'
import { spoolFolder, writableFolder } from './spool-folder.ts'
import { sendSpoolFiles } from './sync.ts'
import { startThread } from './thread.ts'

/** The platform for Node. `threadProgram` is the path of the program for a background's thread. Without it, no thread is used. */
export function nodePlatform(threadProgram?: string): Platform {
  return {
    env: (name) => process.env[name],
    fetch: fetchServer,
    ownServer: (warn) => findOwnServer(process.env, warn),
    otherUserOn: (url) => otherUserOn(url),
    now: Date.now,
    random: Math.random,
    warn: (line) => print(console.warn, line),
    say: (line) => print(console.error, line),
    openSpool(folder, head) {
      const writer = { pid: process.pid, host: hostname() }
      const path = spoolPath(writableFolder(spoolFolder(folder)), head.run)
      return new SpoolFile(path, { ...head, ...writer })
    },
    async sendLeftovers({ spoolDir, url, token, id }) {
      try {
        const files = await listSpoolFiles(spoolFolder(spoolDir))
        await sendSpoolFiles(files, { token, onlyUrl: url, exceptRun: id })
      } catch {
        // the files stay for the next start, or for a sync, which reports what is wrong
      }
    },
    startThread: (job, spool, warn, makeOther) => startThread(threadProgram, job, spool, warn, makeOther),
    lastStep({ id, url, token, spoolDir }) {
      const there = { url, run: id }
      const stored = askLastStep(there, token)
      if (stored === undefined) return undefined
      try {
        return Math.max(stored, lastSpooledStep(spoolFolder(spoolDir), there))
      } catch {
        return undefined // the spool cannot be read
      }
    },
    watchExit,
  }
}
