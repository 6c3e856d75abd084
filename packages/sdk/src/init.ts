import { textOf } from './error-text.ts'
import { Notices } from './notices.ts'
import type { Platform } from './platform.ts'
import { continueRun } from './resume.ts'
import { RecordedRun } from './run.ts'
import { DEFAULT_URL, pageOf } from './server-address.ts'
import { readSettings, type Settings } from './settings.ts'
import type { FinishReport, InitOptions, Run } from './types.ts'

const NOTHING: FinishReport = {
  sent: 0,
  unsent: 0,
  refused: 0,
  lost: 0,
  invalid: 0,
  spool: null,
  refusedFile: null,
}

/** Starts a run on a platform; see `init`. Throws only in strict mode, because a fault here must not end a training. */
export function startRun(given: InitOptions, platform: Platform): Run {
  const notices = new Notices(platform.warn, isStrict(given))
  const newId = makeId(platform.now(), platform.random)
  try {
    return start(given, platform, notices, newId)
  } catch (error) {
    if (notices.isStrict) throw error
    notices.warn('start', `init: the run cannot be started (${textOf(error)}): nothing is recorded`)
    return disabledRun(newId, DEFAULT_URL)
  }
}

function isStrict(options: InitOptions | null | undefined): boolean {
  try {
    return options?.strict === true
  } catch {
    return false
  }
}

function start(options: InitOptions, platform: Platform, notices: Notices, newId: string): Run {
  const refuse = (option: string, reason: string) => notices.wrongUse('init', option, reason)
  const warn = notices.warn.bind(notices)
  const ownServer = platform.ownServer((sentence) => warn('own server', sentence))
  const wanted = readSettings(options, platform.env, newId, refuse, warn, ownServer)
  const settings = continueRun(offlineIfOtherUser(wanted, platform, notices), platform, notices, newId)
  if (settings.mode === 'disabled') return disabledRun(settings.id, settings.url)
  if (settings.mode === 'offline' && platform.openSpool === undefined) {
    notices.wrongUse('init', 'mode', 'cannot be offline here: there is no file system; nothing is recorded')
    return disabledRun(settings.id, settings.url)
  }
  const run = new RecordedRun(settings, platform, notices)
  if (settings.mode === 'online') {
    say(platform, run.url)
    void platform.sendLeftovers(settings)
  } else {
    const where = `run ${run.id} is recorded offline in ${run.spoolPath ?? 'memory'}`
    say(platform, `${where}; send it later with npx normwatch-sync`)
  }
  return run
}

function say(platform: Platform, sentence: string): void {
  try {
    platform.say(`normwatch: ${sentence}`)
  } catch {
    // a console that throws, as test runners make it, must not end a training
  }
}

/** Goes offline if another user listens on the default address, as can happen on a login node: readings must not go there. */
function offlineIfOtherUser(settings: Settings, { otherUserOn }: Platform, notices: Notices): Settings {
  const { url, mode, isUrlNamed } = settings
  const otherUser = isUrlNamed || mode !== 'online' ? undefined : otherUserOn(url)
  if (otherUser === undefined) return settings
  notices.warn(
    'other_user',
    `the user ${otherUser} listens on ${url}, and your own server is not running: this run is recorded offline; ` +
      'set NORMWATCH_URL to use another server',
  )
  return { ...settings, mode: 'offline' }
}

/** A run that records nothing and costs nothing. */
function disabledRun(id: string, url: string): Run {
  return {
    id,
    url: pageOf(url, id),
    log: () => {},
    part: (name) => ({ name, log: () => {} }),
    event: () => {},
    flush: () => Promise.resolve(true),
    finish: () => Promise.resolve(NOTHING),
  }
}

/** An id that sorts by start time, such as `20261123-081730-k3v9x2`. */
function makeId(now: number, random: () => number): string {
  const [day = '', time = ''] = new Date(now).toISOString().split(/[T.]/)
  const tail = Array.from({ length: 6 }, () => Math.floor(random() * 36).toString(36)).join('')
  return `${day.replaceAll('-', '')}-${time.replaceAll(':', '')}-${tail}`
}
