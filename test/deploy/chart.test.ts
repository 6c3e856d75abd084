import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../apps/server/src/config.ts'
import { ensurePython } from '../../scripts/python-env.ts'

const CHART = join(import.meta.dirname, '../../deploy/helm/normwatch')

interface Entry {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } }
}
/** The fields of an object that the test reads. Kubernetes' schemas have already checked the whole object. */
interface Manifest {
  readonly kind: string
  readonly spec: {
    readonly replicas: number
    readonly volumeClaimTemplates?: readonly object[]
    readonly template: {
      readonly spec: {
        readonly enableServiceLinks: boolean
        readonly volumes: readonly object[]
        readonly containers: readonly [{ readonly env: readonly Entry[] }]
      }
    }
  }
}
interface Case {
  readonly refused?: string
  readonly objects: readonly Manifest[]
  readonly notes: string
}

/** The Python with Helm's library, which PyPI has for common platforms, or the reason why it cannot be installed. */
function findHelm(): { python: string } | { reason: string } {
  try {
    const requirements = join(import.meta.dirname, 'requirements-helm.txt')
    return {
      python: ensurePython({
        name: 'helm',
        requirements,
        seesSystem: false,
        diskBytes: 1e9,
        timeoutMs: 300_000,
      }),
    }
  } catch (error) {
    return { reason: String(error).split('\n')[0] as string }
  }
}

const ingress = { enabled: true, host: 'lab.example', path: '/normwatch', trustedProxies: ['10.244.0.0/16'] }
const VALUES = {
  asItIs: {},
  onPostgres: {
    database: { existingSecret: 'postgres', key: 'url' },
    token: { existingSecret: 'admin', key: 'token' },
    ingress: { ...ingress, tlsSecret: 'certificate' },
    settings: { NORMWATCH_RETENTION_DAYS: '90', NORMWATCH_MAX_BYTES: 104857600 },
  },
  ownClaim: { persistence: { existingClaim: 'mine' }, replicas: 0 },
  twoServers: { replicas: 2 },
  twoOnPostgres: { replicas: 2, database: { existingSecret: 'postgres' } },
  noVolume: { persistence: { enabled: false } },
  openProxy: { ingress: { ...ingress, trustedProxies: [] } },
  secretInTheOpen: { settings: { NORMWATCH_TOKEN: 'nw_secret' } },
  misspelt: { persistance: { enabled: true } },
}

describe('the Helm chart', () => {
  let report: { readonly lint: readonly object[]; readonly cases: readonly Case[] } | undefined
  let reason: string | undefined
  beforeAll(() => {
    const found = findHelm()
    if ('reason' in found) reason = found.reason
    else {
      const input = JSON.stringify(Object.values(VALUES))
      const script = join(import.meta.dirname, 'render_chart.py')
      report = JSON.parse(
        execFileSync(found.python, [script, CHART], { input, encoding: 'utf8' }),
      ) as typeof report
    }
  }, 400_000)
  const promise = (name: string, check: (of: (values: keyof typeof VALUES) => Case) => void) =>
    it(name, (test) => {
      if (report === undefined) test.skip(`Helm cannot be installed here: ${reason}`)
      const { cases } = report as NonNullable<typeof report>
      check((values) => cases[Object.keys(VALUES).indexOf(values)] as Case)
    })
  const server = ({ objects }: Case) =>
    objects.find(({ kind }) => kind === 'StatefulSet')?.spec as Manifest['spec']
  const entries = (made: Case) => server(made).template.spec.containers[0].env
  const env = (made: Case) => Object.fromEntries(entries(made).map(({ name, value }) => [name, value]))

  promise('passes helm lint --strict', () => expect(report?.lint).toEqual([]))

  promise(
    "is one server with its own volume, which the cluster's service variables cannot configure",
    (of) => {
      const { replicas, volumeClaimTemplates, template } = server(of('asItIs'))
      expect([replicas, volumeClaimTemplates?.length, template.spec.enableServiceLinks]).toEqual([
        1,
        1,
        false,
      ])
      expect(
        of('asItIs')
          .objects.map(({ kind }) => kind)
          .sort(),
      ).toEqual(['Service', 'StatefulSet'])
      expect(of('asItIs').notes).toContain('kubectl --namespace training logs lab-normwatch-0 | grep nw_')
      expect(server(of('ownClaim'))).toMatchObject({ replicas: 0 })
      expect(server(of('ownClaim')).volumeClaimTemplates).toBeUndefined()
      expect(server(of('ownClaim')).template.spec.volumes).toContainEqual({
        name: 'data',
        persistentVolumeClaim: { claimName: 'mine' },
      })
    },
  )

  promise('is as many servers on PostgreSQL as asked for, without a volume', (of) => {
    expect(server(of('twoOnPostgres'))).toMatchObject({ replicas: 2 })
    expect(server(of('twoOnPostgres')).volumeClaimTemplates).toBeUndefined()
  })

  promise('can use PostgreSQL and an ingress, with settings that the server accepts', (of) => {
    const made = of('onPostgres')
    expect(server(made).volumeClaimTemplates).toBeUndefined()
    expect(env(made)).toMatchObject({
      NORMWATCH_BASE_PATH: '/normwatch',
      NORMWATCH_PUBLIC_URL: 'https://lab.example/normwatch',
      NORMWATCH_TRUST_PROXY: '10.244.0.0/16',
      NORMWATCH_MAX_BYTES: '104857600',
    })
    const secrets = entries(made).flatMap(({ name, valueFrom }) =>
      valueFrom === undefined ? [] : [[name, valueFrom.secretKeyRef.name]],
    )
    expect(secrets).toEqual([
      ['NORMWATCH_TOKEN', 'admin'],
      ['NORMWATCH_DATABASE_URL', 'postgres'],
    ])
    const open = Object.fromEntries(Object.entries(env(made)).filter(([, value]) => value !== undefined))
    expect(readConfig([], open)).toMatchObject({ maxBytes: 104_857_600, basePath: '/normwatch' })
  })

  for (const [values, sentence] of [
    ['twoServers', 'replicas must be 0 or 1 without a database: a volume belongs to one process.'],
    ['noVolume', 'the data would end with the pod. Set one of them.'],
    ['openProxy', 'ingress.trustedProxies is empty'],
    ['secretInTheOpen', 'put it into a Secret'],
    ['misspelt', "additional properties 'persistance' not allowed"],
  ] as const) {
    promise(`refuses ${values} with a sentence: ${sentence}`, (of) =>
      expect(of(values).refused).toContain(sentence),
    )
  }
})
