import { homedir, hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '../platform.ts'
import { askLastStep } from './ask-last-step.ts'
import { watchExit } from './exit.ts'
import { fetchServer } from './fetch-server.ts'
import { findOwnServer } from './own-server.ts'
import { otherUserOn } from './other-user.ts'
import { lastSpooledStep, listSpoolFiles, spoolPath } from './list-spool-files.ts'
import { SpoolFile } from './spool-file.ts'
import { sendSpoolFiles } from './sync.ts'
import { startThread } from './thread.ts'

export function spoolFolder(folder: string | undefined): string {
  return folder ?? join(home(), '.cache', 'normwatch', 'spool')
}

function home(): string {
  try {
    return homedir()
  } catch {
    // no home folder, as in a container whose user has neither a name nor $HOME
    return join(tmpdir(), `normwatch-${process.getuid?.() ?? ''}`)
  }
}

/** The platform for Node. `threadProgram` is the path of the program for a background's thread. Without it, no thread is used. */
export function nodePlatform(threadProgram?: string): Platform {
  return {
    env: (name) => process.env[name],
    fetch: fetchServer,
    ownServer: (warn) => findOwnServer(process.env, warn),
    otherUserOn: (url) => otherUserOn(url),
    now: Date.now,
    random: Math.random,
    warn: (line) => console.warn(line),
    say: (line) => console.error(line),
    openSpool(folder, head) {
      const writer = { pid: process.pid, host: hostname() }
      return new SpoolFile(spoolPath(spoolFolder(folder), head.run), { ...head, ...writer })
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
