import { toWireConfig } from './config.ts'
import type { OwnServer } from './node/own-server.ts'
import { CAP, FLAG, isText, OPTIMIZER, readOptions, STEP, type RefuseOption, type Rules } from './options.ts'
import { DEFAULT_URL, isServerAddress } from './server-address.ts'
import type { InitOptions, Mode } from './types.ts'

/** How the run clips, in the wire form. */
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
  /** Empty if the given one is invalid. Then `mode` is not `online`. */
  readonly url: string
  /** Whether the address comes from an option, the environment or this user's own server, rather than the default. */
  readonly isUrlNamed: boolean
  readonly token: string | undefined
  readonly id: string
  readonly body: RunBody
  readonly resume: boolean
  /** With `resume`, every stored point from here on is dropped. */
  readonly fromStep: number | undefined
  /** The step of the first call of `log` without a `step`. */
  readonly firstStep: number
  readonly spoolDir: string | undefined
}

const MODES: readonly string[] = ['online', 'offline', 'disabled'] satisfies Mode[]
const isId = (value: unknown) =>
  typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value) && value !== '.' && !value.includes('..')
// eslint-disable-next-line no-control-regex -- control characters are what a project's name must not have
const NO_PROJECT = /[\u0000-\u001f/\p{Surrogate}]/u
const isProject = (value: unknown) => isText(1, 128)(value) && !NO_PROJECT.test(value)
const isObject = (value: unknown) => typeof value === 'object' && value !== null
const isMode = (value: unknown) => MODES.includes(value as string)
const isToken = (value: unknown) => typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value.trim())
const isConfig = (value: unknown) =>
  typeof value === 'object' && value !== null && (value instanceof Map || !(Symbol.iterator in value))
const isTags = (value: unknown) =>
  Array.isArray(value) &&
  value.length <= 64 &&
  new Set(value).size === value.length &&
  value.every(isText(1, 64))

const OFFLINE = 'this run is recorded offline'
const RULES: Rules<InitOptions> = {
  project: [isProject, 'must be 1 to 128 characters without "/"'],
  name: [isText(1, 256), 'must be 1 to 256 characters'],
  maxNorm: CAP,
  clipValue: CAP,
  id: [isId, 'must be 1 to 64 characters of A–Z a–z 0–9 . _ -, not "." and without ".."'],
  resume: FLAG,
  fromStep: STEP,
  config: [isConfig, 'must be an object'],
  tags: [isTags, 'must be at most 64 different texts of 1 to 64 characters'],
  notes: [isText(0, 65_536), 'must be a text of at most 65,536 characters'],
  optimizer: OPTIMIZER,
  url: [
    isServerAddress,
    `must be an http or https address without a password, a query or a fragment, or unix:/path: ${OFFLINE}`,
  ],
  token: [isToken, 'must be 1 to 512 visible characters'],
  mode: [isMode, `must be disabled, offline or online: ${OFFLINE}`],
  spoolDir: [isText(1, 4_096), 'must be the path of a folder'],
  strict: FLAG,
}

/** Options that the environment can set too. */
const VARIABLES = {
  NORMWATCH_PROJECT: 'project',
  NORMWATCH_RUN_ID: 'id',
  NORMWATCH_URL: 'url',
  NORMWATCH_TOKEN: 'token',
  NORMWATCH_MODE: 'mode',
  NORMWATCH_SPOOL: 'spoolDir',
} as const satisfies Record<string, keyof InitOptions>

/**
 * Settings from options, then the environment, then this user's own server, then defaults. An invalid option is refused and
 * left out, so that a typing mistake does not stop a training. With an invalid `url` or `mode`, readings stay on this machine,
 * because they must not go to a server that was not meant. `newId` is used if no id is given.
 */
export function readSettings(
  options: InitOptions,
  env: (name: string) => string | undefined,
  newId: string,
  refuse: RefuseOption,
  warn: (kind: string, sentence: string) => void,
  ownServer?: OwnServer,
): Settings {
  const wrong = new Set<string>()
  const note = (option: string, name: string, reason: string) => {
    wrong.add(option)
    refuse(name, reason)
  }
  const given = readOptions(options, RULES, (option, reason) => note(option, option, reason))
  const isGiven = (option: keyof InitOptions) => wrong.has(option) || given[option] !== undefined
  const all: Partial<InitOptions> = { ...fromEnvironment(isGiven, env, note), ...given }
  const { id, fromStep, token, maxNorm, clipValue, config } = all
  const resume = given.resume === true
  if (resume && id === undefined) refuse('resume', 'needs the id of the run to continue')
  const mode = all.mode ?? 'online'
  // options that cannot be read may have named a server
  const isUrlWrong = wrong.has('url') || (wrong.has('options') && isObject(options))
  const url = all.url?.trim() ?? (isUrlWrong ? '' : ownServer?.url)
  const isTargetWrong = isUrlWrong || wrong.has('mode')
  return {
    mode: isTargetWrong && mode === 'online' ? 'offline' : mode,
    url: (url ?? DEFAULT_URL).replace(/\/+$/, ''),
    isUrlNamed: url !== undefined,
    // this user's own token is only sent to this user's own server
    token: token?.trim() ?? (url !== undefined && url === ownServer?.url ? ownServer?.token : undefined),
    id: id ?? newId,
    resume: resume && id !== undefined,
    fromStep,
    firstStep: fromStep ?? 0,
    spoolDir: all.spoolDir,
    body: withoutUndefined({
      project: all.project,
      name: all.name,
      clip: readClip(maxNorm, clipValue, refuse),
      optimizer: all.optimizer,
      config: config && readConfig(config, warn),
      tags: all.tags,
      notes: all.notes,
    }) as RunBody,
  }
}

/** Options from the environment, for those that the call leaves out. */
function fromEnvironment(
  isGiven: (option: keyof InitOptions) => boolean,
  env: (name: string) => string | undefined,
  note: (option: string, name: string, reason: string) => void,
): Partial<InitOptions> {
  const read: Partial<Record<(typeof VARIABLES)[keyof typeof VARIABLES], string>> = {}
  for (const [variable, option] of Object.entries(VARIABLES)) {
    const value = env(variable)?.trim() // a mounted file or an .env file may end with a line break
    if (value === undefined || value === '' || isGiven(option)) continue
    const [isValid, reason] = RULES[option]
    if (isValid(value)) read[option] = value
    else note(option, variable, reason)
  }
  return read as Partial<InitOptions>
}

/** An infinite cap means no clipping: the norm is only logged. Without a cap, an existing run keeps the cap it has. */
export function readClip(
  maxNorm: number | undefined,
  clipValue: number | undefined,
  refuse: RefuseOption,
): ClipField | undefined {
  if (maxNorm !== undefined && clipValue !== undefined) {
    refuse('clipValue', 'cannot be combined with maxNorm: a run clips in one way')
  }
  const cap = maxNorm ?? clipValue
  if (cap === undefined) return undefined
  if (cap === Infinity) return { mode: 'none' }
  return maxNorm === undefined ? { mode: 'value', clip_value: cap } : { mode: 'norm', max_norm: cap }
}

function readConfig(
  source: NonNullable<InitOptions['config']>,
  warn: (kind: string, sentence: string) => void,
): unknown {
  const { config, notes } = toWireConfig(source)
  for (const note of notes) warn(note, `init: ${note}`)
  return config
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
