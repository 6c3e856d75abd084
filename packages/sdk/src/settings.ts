import { MAX_STEP } from '@normwatch/protocol/limits'
import { toWireConfig } from './config.ts'
import { nearestName } from './near-names.ts'
import type { OwnServer } from './node/own-server.ts'
import { DEFAULT_URL, isServerAddress } from './server-address.ts'
import type { InitOptions, Mode } from './types.ts'

/** How the run clips, in the wire's form. */
export type ClipField =
  { mode: 'norm'; max_norm: number } | { mode: 'value'; clip_value: number } | { mode: 'none' }

/** Body of the run's PUT. */
interface RunBody {
  project?: string
  name?: string
  clip?: ClipField
  optimizer?: string
  config?: Record<string, unknown>
  tags?: string[]
  notes?: string
}

export interface Settings {
  readonly mode: Mode
  readonly url: string
  /** The address is an option's or the environment's, or that of this user's server: not the default one. */
  readonly isUrlNamed: boolean
  readonly token: string | undefined
  readonly id: string
  readonly body: RunBody
  readonly resume: boolean
  /** With `resume`, every stored point from here on is dropped. */
  readonly fromStep: number | undefined
  /** The step of the first call of `log` that names none. */
  readonly firstStep: number
  readonly spoolDir: string | undefined
}

/** Called for an option that cannot be used, with its name and the reason. */
export type RefuseOption = (option: string, reason: string) => void

const MODES: readonly string[] = ['online', 'offline', 'disabled'] satisfies Mode[]
const text = (minimum: number, maximum: number) => (value: unknown) =>
  typeof value === 'string' && value.length >= minimum && value.length <= maximum
const isId = (value: unknown) => typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value)
// eslint-disable-next-line no-control-regex -- control characters are what a project's name must not have
const isProject = (value: unknown) => typeof value === 'string' && /^[^\u0000-\u001f/]{1,128}$/.test(value)
const isCap = (value: unknown) => typeof value === 'number' && value > 0
const isStep = (value: unknown) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_STEP
const isMode = (value: unknown) => MODES.includes(value as string)
const isToken = (value: unknown) => typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value)
const isConfig = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length <= 512 &&
  Object.keys(value).every((key) => key.length <= 256)
const isTags = (value: unknown) =>
  Array.isArray(value) &&
  value.length <= 64 &&
  new Set(value).size === value.length &&
  value.every(text(1, 64))

/**
 * Settings from options, then the environment, then this user's own server, then defaults. An option that cannot be used is refused and left out,
 * so that a typing mistake costs no training; `newId` stands in for a run's id.
 */
export function readSettings(
  options: InitOptions,
  env: (name: string) => string | undefined,
  newId: string,
  refuse: RefuseOption,
  warn: (kind: string, sentence: string) => void,
  ownServer?: OwnServer,
): Settings {
  refuseUnknown(options, refuse)
  const variable = (name: string) => (env(name) === '' ? undefined : env(name))
  function take<T>(option: string, value: T | undefined, isValid: (value: unknown) => boolean, rule: string) {
    if (value === undefined || value === null) return undefined
    if (isValid(value)) return value
    refuse(option, rule)
    return undefined
  }
  const url = take(
    'url',
    options.url ?? variable('NORMWATCH_URL') ?? ownServer?.url,
    isServerAddress,
    'must be an http or https address without a password, a query or a fragment, or unix:/path',
  )
  const idRule = 'must be 1 to 64 characters of A–Z a–z 0–9 . _ -'
  const id = take('id', options.id ?? variable('NORMWATCH_RUN_ID'), isId, idRule)
  const resume = options.resume === true
  if (resume && id === undefined) refuse('resume', 'needs the id of the run to go on with')
  const fromStep = take('fromStep', options.fromStep, isStep, 'must be a whole number from 0 to 2^53 - 1')
  const project = options.project ?? variable('NORMWATCH_PROJECT')
  const modeRule = 'must be disabled, offline or online'
  return {
    mode: take('mode', options.mode ?? (variable('NORMWATCH_MODE') as Mode), isMode, modeRule) ?? 'online',
    url: (url ?? DEFAULT_URL).replace(/\/+$/, ''),
    isUrlNamed: url !== undefined,
    token: take(
      'token',
      trimmed(options.token ?? variable('NORMWATCH_TOKEN')) ??
        // no other server is shown it
        (url !== undefined && url === ownServer?.url ? ownServer.token : undefined),
      isToken,
      'must be 1 to 512 visible characters',
    ),
    id: id ?? newId,
    resume: resume && id !== undefined,
    fromStep,
    firstStep: fromStep ?? 0,
    spoolDir: options.spoolDir ?? variable('NORMWATCH_SPOOL'),
    body: withoutUndefined({
      project: take('project', project, isProject, 'must be 1 to 128 characters without "/"'),
      name: take('name', options.name, text(1, 256), 'must be 1 to 256 characters'),
      clip: readClip(
        take('maxNorm', options.maxNorm, isCap, 'must be a number above 0'),
        take('clipValue', options.clipValue, isCap, 'must be a number above 0'),
        refuse,
      ),
      optimizer: take(
        'optimizer',
        options.optimizer,
        text(0, 128),
        'must be a name of at most 128 characters',
      ),
      config: readConfig(
        take(
          'config',
          options.config,
          isConfig,
          'must be an object of at most 512 fields, whose names have at most 256 characters',
        ),
        warn,
      ),
      tags: take('tags', options.tags, isTags, 'must be at most 64 different texts of 1 to 64 characters'),
      notes: take('notes', options.notes, text(0, 65_536), 'must be a text of at most 65,536 characters'),
    }) as RunBody,
  }
}

/** An infinite cap means no cap: the norm is only logged. Without a cap, an existing run keeps the one it has. */
export function readClip(
  maxNorm: number | undefined,
  clipValue: number | undefined,
  refuse: RefuseOption,
): ClipField | undefined {
  if (maxNorm !== undefined && clipValue !== undefined) {
    refuse('clipValue', 'cannot stand beside maxNorm: a run clips in one way')
  }
  const cap = maxNorm ?? clipValue
  if (cap === undefined) return undefined
  if (cap === Infinity) return { mode: 'none' }
  return maxNorm === undefined ? { mode: 'value', clip_value: cap } : { mode: 'norm', max_norm: cap }
}

function readConfig(
  source: Readonly<Record<string, unknown>> | undefined,
  warn: (kind: string, sentence: string) => void,
): unknown {
  if (source === undefined) return undefined
  const { config, notes } = toWireConfig(source)
  for (const note of notes) warn(note, `init: ${note}`)
  return config
}

const OPTIONS = [
  'project',
  'name',
  'maxNorm',
  'clipValue',
  'id',
  'resume',
  'fromStep',
  'config',
  'tags',
  'notes',
  'optimizer',
  'url',
  'token',
  'mode',
  'spoolDir',
  'strict',
] as const satisfies (keyof InitOptions)[]

/** An option that does not exist would be ignored in silence: a misspelt `maxNorm` is a run without a cap. */
function refuseUnknown(options: InitOptions, refuse: RefuseOption): void {
  for (const option of Object.keys(options)) {
    if ((OPTIONS as readonly string[]).includes(option)) continue
    const meant = nearestName(option, OPTIONS)
    refuse(option, `is not an option${meant === undefined ? '' : `; did you mean ${meant}?`}`)
  }
}

/** Secrets mounted as files end with a line break. */
function trimmed(token: unknown): string | undefined {
  return (typeof token === 'string' ? token.trim() : token) as string | undefined
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
