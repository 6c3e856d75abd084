import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { flagOf, helpText, readConfig, settings, variableOf } from './config.ts'

const names = Object.keys(settings) as (keyof typeof settings)[]

describe('configuration', () => {
  it('needs none', () => {
    expect(readConfig([], {})).toEqual({
      host: '127.0.0.1',
      port: 4280,
      data: resolve('./data'),
      logLevel: 'warn',
    })
  })

  it('takes variables, and flags before them', () => {
    const environment = { NORMWATCH_PORT: '5000', NORMWATCH_LOG_LEVEL: 'info', HOME: '/root' }
    expect(readConfig(['--port', '6000', '--data=/tmp/x'], environment)).toEqual({
      host: '127.0.0.1',
      port: 6000,
      data: '/tmp/x',
      logLevel: 'info',
    })
  })

  it('leaves the variables of the SDKs alone', () => {
    const theirs = {
      NORMWATCH_URL: 'http://x',
      NORMWATCH_TOKEN: 't',
      NORMWATCH_RUN_ID: 'r',
      NORMWATCH_MODE: 'offline',
    }
    expect(readConfig([], theirs)).toEqual(readConfig([], {}))
  })

  it.each([
    { flags: ['--port', '70000'], environment: {}, says: /^--port is "70000"; it must be a port/ },
    { flags: [], environment: { NORMWATCH_PORT: 'x' }, says: /^NORMWATCH_PORT is "x"/ },
    { flags: [], environment: { NORMWATCH_PORT: '' }, says: /^NORMWATCH_PORT is ""/ },
    { flags: ['--port', '1e3'], environment: {}, says: /--port is "1e3"/ },
    {
      flags: ['--host', '0.0.0.0'],
      environment: {},
      says: /--host is "0.0.0.0", which other machines may reach/,
    },
    { flags: [], environment: { NORMWATCH_HOST: 'example.org' }, says: /NORMWATCH_HOST is "example.org"/ },
    { flags: ['--data', ''], environment: {}, says: /--data is empty/ },
    {
      flags: ['--log-level', 'loud'],
      environment: {},
      says: /--log-level is "loud"; it must be one of silent/,
    },
    { flags: ['--prot', '1'], environment: {}, says: /Unknown option '--prot'; --help lists/ },
    { flags: ['--port'], environment: {}, says: /--port/ },
    { flags: ['serve'], environment: {}, says: /'serve'/ },
    { flags: [], environment: { NORMWATCH_PROT: '1' }, says: /There is no setting NORMWATCH_PROT;/ },
  ])('refuses $flags $environment with a sentence', ({ flags, environment, says }) => {
    expect(() => readConfig(flags, environment)).toThrow(says)
  })

  it('lists every setting on --help', () => {
    expect(readConfig(['--help'], {})).toBe('help')
    for (const name of names) expect(helpText()).toContain(flagOf(name))
  })

  it('is documented: the same settings, with the same defaults', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `(NORMWATCH_\w+)` \| `(--[\w-]+)` \| `([^`]+)` \|/gm)]
    expect(rows.map(([, variable, flag, value]) => ({ variable, flag, value }))).toEqual(
      names.map((name) => ({
        variable: variableOf(name),
        flag: flagOf(name),
        value: settings[name].default,
      })),
    )
  })
})
