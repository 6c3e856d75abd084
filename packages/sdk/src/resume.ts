import type { Notices } from './notices.ts'
import type { Platform } from './platform.ts'
import type { Settings } from './settings.ts'

const MAX_ID_LENGTH = 64

/**
 * A run that resumes without `fromStep` continues after its last step, which the server is asked for. If the server does not
 * answer, the training continues as a new run, so that nothing is overwritten.
 */
export function continueRun(
  settings: Settings,
  platform: Platform,
  notices: Notices,
  newId: string,
): Settings {
  const { id, url, mode, resume, fromStep } = settings
  if (!resume || fromStep !== undefined || mode === 'disabled') return settings
  const last = mode === 'online' ? platform.lastStep?.(settings) : undefined
  if (last !== undefined) return { ...settings, firstStep: last + 1 }
  const tail = newId.slice(-6)
  const goesOnAs = `${id.slice(0, MAX_ID_LENGTH - tail.length - 1)}-${tail}`
  notices.warn(
    'resume',
    `the last step of run ${id} is not known (no answer from ${url}): this training continues as run ${goesOnAs}; ` +
      'set fromStep to continue it without asking the server',
  )
  return { ...settings, id: goesOnAs }
}
