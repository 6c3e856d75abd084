import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding, FindingList, Run } from '@normwatch/protocol'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { ServerError } from '../failures.ts'
import { findRun } from '../find-run.ts'
import { example } from '../help.ts'
import { kindOption } from '../options.ts'
import { serverFromEnvironment, type Query, type Server } from '../server.ts'

/** Milliseconds between two checks whether a run has ended. */
const INTERVAL_MS = 2_000
/** Seconds that the server keeps a request waiting for a finding. */
const WAIT_S = 60
/** The longest time-out that a timer supports. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
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
    .argument('<run>', 'its id, or how it begins')
    .addOption(
      new Option('--until <what>', 'what to wait for').choices(['finding', 'end']).default('finding'),
    )
    .addOption(kindOption())
    .option('--timeout <duration>', 'such as 90s, 30m or 2h (default: none)', readDuration)
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch watch toy --until end --timeout 30m'))
    .action(async (given: string, options: Options) => {
      const server = serverFromEnvironment()
      const { id } = await findRun(server, given)
      const seen = await waitFor(server, id, options)
      console.log(options.json ? JSON.stringify(seen) : seen.sentence)
      process.exitCode = EXIT_CODES[seen.why]
    })
}

/** Waits for an event. Findings from before the watch began do not count. */
async function waitFor(server: Server, id: string, { until, kind, timeout }: Options): Promise<Seen> {
  const over = new AbortController()
  const timer = timeout === undefined ? undefined : setTimeout(() => over.abort(), timeout)
  const watched = new WatchedRun(server, id, kind, over.signal)
  try {
    await watched.begin()
    if (until === 'end') return await watched.untilEnd()
    const end = watched.untilEnd().then(async (seen) => (await watched.newFinding()) ?? seen)
    return await Promise.race([watched.untilFinding(), end])
  } catch (error) {
    if (!over.signal.aborted) throw error
    return { why: 'timeout', sentence: `${id}: nothing happened in this time.` }
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}

/** What a server tells of one run. */
class WatchedRun {
  readonly #server: Server
  readonly #id: string
  readonly #kind: string | undefined
  readonly #signal: AbortSignal
  /** Id of the newest finding that was already seen. */
  #since: string | undefined

  constructor(server: Server, id: string, kind: string | undefined, signal: AbortSignal) {
    this.#server = server
    this.#id = id
    this.#kind = kind
    this.#signal = signal
  }

  /** Remembers the findings that exist already. */
  async begin(): Promise<void> {
    const { findings } = await this.#get<FindingList>('/findings', { run: this.#id, limit: 1 })
    this.#since = findings[0]?.id
  }

  /** The next finding, told by the server when it opens. */
  async untilFinding(): Promise<Seen> {
    for (;;) {
      const seen = await this.newFinding(WAIT_S)
      if (seen !== undefined) return seen
    }
  }

  /** The newest unseen finding; waits this many seconds for one. `untilEnd` reports that a run fell silent. */
  async newFinding(wait?: number): Promise<Seen | undefined> {
    const query = { run: this.#id, kind: this.#kind, since: this.#since, wait, limit: 50 }
    const { findings } = await this.#get<FindingList>('/findings', query)
    const finding = findings.find(({ kind }) => kind !== 'stalled')
    if (finding === undefined) {
      this.#since = findings[0]?.id ?? this.#since
      return undefined
    }
    const sentence = `${this.#id}: ${finding.kind} opened at step ${finding.opened_step}.`
    return { why: 'finding', sentence, finding }
  }

  /** Resolves when the run has ended or has fallen silent. */
  async untilEnd(): Promise<Seen> {
    for (;;) {
      const run = await this.#get<Run>(`/runs/${encodeURIComponent(this.#id)}`)
      if (run.status !== 'running') return ended(run)
      if (run.conditions.some(({ kind }) => kind === 'stalled')) {
        return { why: 'stalled', sentence: `${this.#id} is silent since step ${run.last_step}.`, run }
      }
      await sleep(INTERVAL_MS, undefined, { signal: this.#signal })
    }
  }

  /** Asks again while the server is away or busy; every other refusal is final. */
  async #get<T>(path: string, query: Query = {}): Promise<T> {
    for (;;) {
      try {
        return await this.#server.get<T>(path, query, this.#signal)
      } catch (error) {
        const isAway = error instanceof ServerError && [undefined, 429, 503].includes(error.status)
        if (!isAway || this.#signal.aborted) throw error
      }
      await sleep(INTERVAL_MS, undefined, { signal: this.#signal })
    }
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

/** Milliseconds. */
function readDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const milliseconds = Number(amount) * UNITS[unit as keyof typeof UNITS]
  if (milliseconds > 0 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds
  throw new InvalidArgumentError('It must be a duration such as 90s, 30m or 2h, at most 596h.')
}
