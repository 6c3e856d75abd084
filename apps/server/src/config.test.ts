import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { flagOf, helpText, isSecret, readConfig, variableOf } from './config.ts'
import { settings, type Config } from './settings.ts'

const TOKEN = `nw_${'a'.repeat(43)}`
/** It begins like a PEM file, but is not one. */
const ALMOST_PEM = join(import.meta.dirname, 'access/setting-readers.ts')
const names = Object.keys(settings) as (keyof typeof settings)[]

describe('configuration', () => {
  it('needs none', () => {
    expect(readConfig([], {})).toEqual({
      host: '127.0.0.1',
      port: 4280,
      data: resolve('./data'),
      logLevel: 'warn',
      retentionDays: undefined,
      token: undefined,
      firstToken: 'refuse',
      trustProxy: undefined,
      basePath: '',
      allowedHosts: [],
      embed: [],
      allowedOrigins: [],
      tlsCert: undefined,
      tlsKey: undefined,
      maxRequests: 200,
      maxPoints: 100_000,
      maxRuns: 100_000,
      maxSeries: 1_000_000,
      maxBytes: 1_048_576,
      maxConnections: 256,
      publicUrl: undefined,
      groupSeconds: 30,
      webhookAllow: '',
      smtpUrl: undefined,
      databaseUrl: undefined,
      auditDays: 365,
      smtpFrom: undefined,
      oidcIssuer: undefined,
      oidcClientId: undefined,
      oidcClientSecret: undefined,
      oidcScopes: 'openid profile email',
      oidcGroupsClaim: ['groups'],
      oidcName: undefined,
      oidcSessionHours: 12,
      proxyUserHeader: undefined,
      proxyGroupsHeader: undefined,
      roles: undefined,
    })
  })

  it.each<[string, string, Partial<Config>]>([
    ['NORMWATCH_TOKEN', TOKEN, { token: TOKEN }],
    ['NORMWATCH_HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['NORMWATCH_BASE_PATH', '/a/normwatch/', { basePath: '/a/normwatch' }],
    ['NORMWATCH_TRUST_PROXY', 'loopback, 10.0.0.0/8,::1', { trustProxy: ['loopback', '10.0.0.0/8', '::1'] }],
    ['NORMWATCH_FIRST_TOKEN', 'print', { firstToken: 'print' }],
    ['NORMWATCH_MAX_REQUESTS', '5', { maxRequests: 5 }],
    ['NORMWATCH_PUBLIC_URL', 'https://n.example/a/', { publicUrl: 'https://n.example/a' }],
    ['NORMWATCH_RETENTION_DAYS', '90', { retentionDays: { days: 90, projects: new Map() } }],
    [
      'NORMWATCH_RETENTION_DAYS',
      '90, ci=7,a = b=0',
      {
        retentionDays: {
          days: 90,
          projects: new Map([
            ['ci', 7],
            ['a = b', 0],
          ]),
        },
      },
    ],
    ['NORMWATCH_RETENTION_DAYS', 'ci=7', { retentionDays: { days: 0, projects: new Map([['ci', 7]]) } }],
    ['NORMWATCH_GROUP_SECONDS', '0', { groupSeconds: 0 }],
    [
      'NORMWATCH_ALLOWED_ORIGINS',
      'http://localhost:5173, https://lab.example',
      { allowedOrigins: ['http://localhost:5173', 'https://lab.example'] },
    ],
    ['NORMWATCH_WEBHOOK_ALLOW', '10.0.0.0/8,::1', { webhookAllow: '10.0.0.0/8,::1' }],
  ])('reads %s', (variable, text, value) => {
    expect(readConfig([], { [variable]: text })).toMatchObject(value)
  })

  it('never repeats a token that is wrong, and takes none as a flag', () => {
    expect(() => readConfig([], { NORMWATCH_TOKEN: 'my-secret' })).toThrow(
      /^NORMWATCH_TOKEN is not a token(?!.*my-secret)/,
    )
    expect(() => readConfig(['--token', TOKEN], {})).toThrow(/Unknown option '--token'/)
  })

  it('takes variables, and flags before them', () => {
    const environment = { NORMWATCH_PORT: '5000', NORMWATCH_LOG_LEVEL: 'info', HOME: '/root' }
    expect(readConfig(['--port', '6000', '--data=/tmp/x'], environment)).toMatchObject({
      host: '127.0.0.1',
      port: 6000,
      data: '/tmp/x',
      logLevel: 'info',
    })
  })

  it('leaves the variables of the SDKs alone', () => {
    const theirs = {
      NORMWATCH_URL: 'http://x',
      NORMWATCH_RUN_ID: 'r',
      NORMWATCH_MODE: 'offline',
      NORMWATCH_NODE: '/opt/node/bin/node',
    }
    expect(readConfig([], theirs)).toEqual(readConfig([], {}))
  })

  it('leaves alone what Kubernetes sets beside a Service named normwatch, and takes what a person set', () => {
    const links = {
      NORMWATCH_SERVICE_HOST: '10.0.0.7',
      NORMWATCH_SERVICE_PORT: '4280',
      NORMWATCH_SERVICE_PORT_HTTP: '4280',
      NORMWATCH_PORT: 'tcp://10.0.0.7:4280',
      NORMWATCH_PORT_4280_TCP: 'tcp://10.0.0.7:4280',
      NORMWATCH_PORT_4280_TCP_PROTO: 'tcp',
      NORMWATCH_PORT_4280_TCP_PORT: '4280',
      NORMWATCH_PORT_4280_TCP_ADDR: '10.0.0.7',
      NORMWATCH_METRICS_SERVICE_HOST: '10.0.0.8',
      NORMWATCH_METRICS_PORT: 'tcp://10.0.0.8:80',
    }
    expect(readConfig([], links)).toEqual(readConfig([], {}))
    expect(readConfig([], { ...links, NORMWATCH_PORT: '5000' })).toMatchObject({ port: 5000 })
  })

  it.each([
    { flags: ['--port', '70000'], environment: {}, says: /^--port is "70000"; it must be a port/ },
    { flags: [], environment: { NORMWATCH_PORT: 'x' }, says: /^NORMWATCH_PORT is "x"/ },
    { flags: [], environment: { NORMWATCH_PORT: '' }, says: /^NORMWATCH_PORT is ""/ },
    { flags: ['--port', '1e3'], environment: {}, says: /--port is "1e3"/ },
    { flags: ['--host', 'a b'], environment: {}, says: /--host is "a b"/ },
    { flags: ['--base-path', 'x'], environment: {}, says: /--base-path is "x"; it must be a path/ },
    { flags: ['--base-path', '/a/../b'], environment: {}, says: /--base-path is/ },
    { flags: ['--trust-proxy', 'everybody'], environment: {}, says: /--trust-proxy names "everybody"/ },
    { flags: ['--tls-cert', '/nowhere.pem'], environment: {}, says: /"\/nowhere.pem".* \(ENOENT\)/ },
    { flags: ['--tls-key', import.meta.filename], environment: {}, says: /which is not a PEM file/ },
    {
      flags: ['--tls-cert', ALMOST_PEM, '--tls-key', ALMOST_PEM],
      environment: {},
      says: /^NORMWATCH_TLS_CERT and NORMWATCH_TLS_KEY are not a certificate and its key \(no start line\)/,
    },
    ...[
      '*',
      'null',
      'http://*.lab.example/',
      'https://lab.example/',
      'lab.example',
      'https://Lab.example',
      '',
    ].map((text) => ({
      flags: ['--allowed-origins', text],
      environment: {},
      says: /^--allowed-origins has ".*"; it must list origins/,
    })),
    { flags: ['--first-token', 'yes'], environment: {}, says: /it must be print, file or refuse/ },
    { flags: ['--max-runs', '0'], environment: {}, says: /--max-runs is "0"; it must be a whole number/ },
    {
      flags: ['--retention-days', '90,ci=week'],
      environment: {},
      says: /--retention-days has "ci=week"; it must be days from 0 to 99999, .* 90,ci=7,paper=0/,
    },
    { flags: [], environment: { NORMWATCH_RETENTION_DAYS: '-1' }, says: /_DAYS has "-1"/ },
    { flags: ['--retention-days', '90,'], environment: {}, says: /has ""/ },
    { flags: ['--retention-days', '=7'], environment: {}, says: /has "=7"/ },
    { flags: ['--retention-days', '90,7'], environment: {}, says: /says twice how long runs are kept/ },
    { flags: ['--retention-days', 'ci=1,ci=2'], environment: {}, says: /how long those of "ci" are kept/ },
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

  const provider = {
    NORMWATCH_OIDC_ISSUER: 'https://id.example',
    NORMWATCH_OIDC_CLIENT_ID: 'normwatch',
    NORMWATCH_OIDC_CLIENT_SECRET: 'a-secret',
    NORMWATCH_ROLES: 'ml=admin',
  }
  it('takes a provider of people, whole, and never repeats its secret', () => {
    expect(readConfig([], provider)).toMatchObject({
      oidcIssuer: 'https://id.example',
      oidcClientSecret: 'a-secret',
    })
    expect(() => readConfig(['--oidc-client-secret', 'a-secret'], {})).toThrow(/Unknown option(?!.*a-secret)/)
    for (const missing of Object.keys(provider)) {
      const rest = Object.fromEntries(Object.entries(provider).filter(([name]) => name !== missing))
      expect(() => readConfig([], rest)).toThrow(missing)
    }
  })

  it.each<[Record<string, string>, RegExp]>([
    [{ NORMWATCH_OIDC_ISSUER: 'http://id.example' }, /^NORMWATCH_OIDC_ISSUER is .* must be an https address/],
    [{ NORMWATCH_OIDC_ISSUER: 'id.example' }, /^NORMWATCH_OIDC_ISSUER is/],
    [{ NORMWATCH_OIDC_SCOPES: 'profile' }, /openid must be among the scopes/],
    [{ NORMWATCH_OIDC_GROUPS_CLAIM: 'groups,' }, /^NORMWATCH_OIDC_GROUPS_CLAIM is "groups,"/],
    [{ NORMWATCH_OIDC_SESSION_HOURS: '721' }, /at most 720 hours/],
    [{ NORMWATCH_ROLES: 'ml=owner' }, /^NORMWATCH_ROLES has "ml=owner"/],
    [{ NORMWATCH_PROXY_USER_HEADER: 'X-User', NORMWATCH_ROLES: 'a=read' }, /needs NORMWATCH_TRUST_PROXY/],
    [{ NORMWATCH_PROXY_USER_HEADER: 'Cookie' }, /must be the name of a header/],
    [{ NORMWATCH_PROXY_GROUPS_HEADER: 'X-Groups' }, /needs NORMWATCH_PROXY_USER_HEADER/],
    [
      { NORMWATCH_PROXY_USER_HEADER: 'X-User', NORMWATCH_TRUST_PROXY: 'loopback' },
      /^NORMWATCH_ROLES must say/,
    ],
  ])('refuses %j, by which people could not sign in safely', (environment, says) => {
    expect(() => readConfig([], environment)).toThrow(says)
  })

  it('lists every setting on --help', () => {
    expect(readConfig(['--help'], {})).toBe('help')
    for (const name of names) expect(helpText()).toContain(variableOf(name))
  })

  it('is documented: the same settings, with the same defaults', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `(NORMWATCH_\w+)` \| (?:`(--[\w-]+)`|—) \| `([^`]+)` \|/gm)]
    expect(rows.map(([, variable, flag, value]) => ({ variable, flag, value }))).toEqual(
      names.map((name) => ({
        variable: variableOf(name),
        flag: isSecret(name) ? undefined : flagOf(name),
        value: settings[name].default,
      })),
    )
  })
})
