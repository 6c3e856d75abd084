import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding, FindingList, Run } from '@normwatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { ServerError } from '../failures.ts'
import { example } from '../help.ts'
import { serverFromEnvironment, type Server } from '../server.ts'

/** Between two looks at a run. */
const INTERVAL_MS = 500
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Why a watch returned, and its exit code. */
const EXIT_CODES = { ended: 0, finding: 10, failed: 11, stalled: 12, timeout: 124 } as const

interface Options {
  readonly until: string
  readonly kind?: string
  readonly timeout?: number
  readonly json?: true
}

interface Seen {
  readonly why: keyof typeof EXIT_CODES
  readonly sentence: string
  readonly run?: Run
  readonly finding?: Finding
}

export function addTo(program: Command): void {
  program
    .command('watch')
    .description(
      'waits for a finding or the end of a run; exit code 0 ended well, 10 a finding opened, 11 ended flagged or failed, 12 stalled, 124 time-out',
    )
    .argument('<run>', 'its id')
    .option('--until <what>', 'finding or end', readUntil, 'finding')
    .option('--kind <kind>', 'only findings of this kind')
    .option('--timeout <duration>', 'such as 90s, 30m or 2h (default: none)', readDuration)
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch watch toy --until end --timeout 30m'))
    .action(async (id: string, { until, kind, timeout = Infinity, json }: Options) => {
      const seen = await waitFor(serverFromEnvironment(), id, until, kind, performance.now() + timeout)
      console.log(json ? JSON.stringify(seen) : seen.sentence)
      process.exitCode = EXIT_CODES[seen.why]
    })
}

/** Looks until something has happened. Findings that were open before the watch began are not news. */
async function waitFor(
  server: Server,
  id: string,
  until: string,
  kind: string | undefined,
  deadline: number,
): Promise<Seen> {
  const path = `/runs/${encodeURIComponent(id)}`
  const listFindings = async () =>
    (await server.get<FindingList>(`${path}/findings`, { kind, limit: 50 })).findings
  const known = new Set((await listFindings()).map((finding) => finding.id))
  for (;;) {
    try {
      const findings = await listFindings()
      const finding = findings.find((one) => !known.has(one.id) && one.kind !== 'stalled')
      if (until === 'finding' && finding !== undefined) {
        return {
          why: 'finding',
          sentence: `${id}: ${finding.kind} opened at step ${finding.opened_step}.`,
          finding,
        }
      }
      const run = await server.get<Run>(path)
      if (run.status !== 'running') return ended(run)
      if (run.conditions.some((condition) => condition.kind === 'stalled')) {
        return { why: 'stalled', sentence: `${id} is silent since step ${run.last_step}.`, run }
      }
    } catch (error) {
      // a server that restarts is waited for; a refusal is final
      if (!(error instanceof ServerError) || error.status !== undefined) throw error
    }
    const left = deadline - performance.now()
    if (left <= 0) return { why: 'timeout', sentence: `${id}: nothing happened in this time.` }
    await sleep(Math.min(INTERVAL_MS, left))
  }
}

function ended(run: Run): Seen {
  const isWell = run.status !== 'failed' && run.health !== 'flagged'
  return {
    why: isWell ? 'ended' : 'failed',
    sentence: `${run.id} ended ${run.status}, health ${run.health}, at step ${run.last_step}.`,
    run,
  }
}

function readUntil(text: string): string {
  if (text === 'finding' || text === 'end') return text
  throw new InvalidArgumentError('It must be finding or end.')
}

/** Milliseconds. */
function readDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('It must be a duration such as 90s, 30m or 2h.')
  return Number(amount) * UNITS[unit as keyof typeof UNITS]
}
