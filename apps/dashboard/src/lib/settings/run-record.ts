import type { Reading, Settings } from '@normwatch/detector'
import type { Run, SettingsOverrides } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { previewOf, readingsOf, type Preview } from '#lib/settings/preview.ts'

/** Above this many points the record is judged by the server, not fetched and judged here. */
const MAX_POINTS_HERE = 200_000

/** What a run has recorded, to be judged under settings that are not in force. */
export class RunRecord {
  readonly #api: Api
  readonly run: Run
  #readings: Promise<Reading[]> | undefined

  constructor(api: Api, run: Run) {
    this.#api = api
    this.run = run
  }

  /** What the record comes to under these settings. Rejects with `ApiFailure`. */
  async under(settings: Settings): Promise<Preview> {
    if (this.run.points > MAX_POINTS_HERE) return this.#askedOfServer(settings)
    this.#readings ??= this.#api.record(this.run.id).then(readingsOf)
    return previewOf(await this.#readings, this.run, settings)
  }

  async #askedOfServer(settings: Settings): Promise<Preview> {
    const overrides = settings as unknown as SettingsOverrides
    const { health, findings } = await this.#api.preview(this.run.id, overrides)
    return {
      health,
      findings: findings.map(({ kind, severity, opened_step, closed_step, state }) => ({
        kind,
        severity,
        openedStep: opened_step,
        closedStep: state === 'open' ? undefined : closed_step,
      })),
    }
  }
}
