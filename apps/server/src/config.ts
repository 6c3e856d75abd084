import { parseArgs } from 'node:util'
import { checkPeople } from './access/people-settings.ts'
import { checkPair } from './access/setting-readers.ts'
import { settings, type Config, type SettingName } from './settings.ts'

/** The configuration is wrong; the message says what, in one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const names = Object.keys(settings) as SettingName[]
export const variableOf = (name: SettingName) => `NORMWATCH_${snake(name).toUpperCase()}`
export const isSecret = (name: SettingName) => 'isSecret' in settings[name]
export const flagOf = (name: SettingName) => `--${snake(name).replaceAll('_', '-')}`

/** Variables of the SDKs, of what starts Node and of the tests, which may be set in the same shell. */
const OTHER_VARIABLES = [
  'URL',
  'PROJECT',
  'RUN_ID',
  'RANK',
  'MODE',
  'SPOOL',
  'CAPTURE',
  'NODE',
  'CHROMIUM',
].map((name) => `NORMWATCH_${name}`)

/**
 * What Kubernetes puts into each container of a namespace where a Service is named `normwatch` or `normwatch-…`: its addresses, among
 * them NORMWATCH_PORT=tcp://10.0.0.7:4280. Nobody set them, and they say nothing about this server.
 */
function isServiceLink(variable: string, value = ''): boolean {
  return (
    /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)$/.test(variable) ||
    (variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}

/** Reads the settings: a flag goes before its variable, and that before the default. `help`: they were asked for. */
export function readConfig(
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const given = readFlags(flags)
  if (given === 'help') return given
  const variables = Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => name.startsWith('NORMWATCH_') && !isServiceLink(name, value),
    ),
  )
  for (const variable of Object.keys(variables)) {
    const isKnown = names.some((name) => variableOf(name) === variable) || OTHER_VARIABLES.includes(variable)
    if (!isKnown) {
      throw new ConfigError(`There is no setting ${variable}; --help lists all of them.`)
    }
  }
  const config = Object.fromEntries(
    names.map((name) => {
      const flag = given[flagOf(name).slice(2)]
      const variable = variables[variableOf(name)]
      const source =
        flag !== undefined || (variable === undefined && !isSecret(name)) ? flagOf(name) : variableOf(name)
      return [name, readSetting(name, flag ?? variable ?? settings[name].default, source)]
    }),
  ) as unknown as Config
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    throw new ConfigError('NORMWATCH_TLS_CERT and NORMWATCH_TLS_KEY belong together: give both, or neither.')
  }
  if (config.tlsCert !== undefined && config.tlsKey !== undefined) checkTls(config.tlsCert, config.tlsKey)
  if ((config.smtpUrl === undefined) !== (config.smtpFrom === undefined)) {
    throw new ConfigError(
      'NORMWATCH_SMTP_URL and NORMWATCH_SMTP_FROM belong together: give both, or neither.',
    )
  }
  try {
    checkPeople(config)
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
  return config
}

/** What `--help` prints. */
export function helpText(): string {
  const lines = names.flatMap((name) => [
    `  ${isSecret(name) ? '' : `${flagOf(name)}, `}${variableOf(name)} (default ${settings[name].default})`,
    ...(`${settings[name].about}.`.match(/\S(?:.{0,71}\S)?(?=\s|$)/g) ?? []).map((line) => `      ${line}`),
  ])
  return [
    'Normwatch watches gradient norms while models train.',
    '',
    'Settings, as flags or variables:',
    ...lines,
  ].join('\n')
}

function readFlags(flags: readonly string[]): Readonly<Record<string, string>> | 'help' {
  const options = Object.fromEntries(
    names
      .filter((name) => !isSecret(name))
      .map((name) => [flagOf(name).slice(2), { type: 'string' as const }]),
  )
  try {
    const { values } = parseArgs({ args: [...flags], options: { ...options, help: { type: 'boolean' } } })
    return 'help' in values ? 'help' : (values as Record<string, string>)
  } catch (error) {
    throw new ConfigError(`${(error as Error).message.split('. ')[0]}; --help lists all flags.`)
  }
}

function checkTls(cert: string, key: string): void {
  try {
    checkPair(cert, key)
  } catch (error) {
    throw new ConfigError(`NORMWATCH_TLS_CERT and NORMWATCH_TLS_KEY ${(error as Error).message}`)
  }
}

function readSetting(name: SettingName, text: string, source: string): unknown {
  try {
    return settings[name].read(text)
  } catch (error) {
    throw new ConfigError(`${source} ${(error as Error).message}`)
  }
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
