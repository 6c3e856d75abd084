import { defaultSettings, parseSettings, type Reading, type Settings } from '@normwatch/detector'
import type { Run, SettingsOverrides } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { previewOf, readingsOf, type Preview } from '#lib/preview.ts'

/** Above this many points the record is judged by the server, not fetched and judged here. */
const MAX_POINTS_HERE = 200_000

/** The detection settings of one run while a person changes them, and what its record comes to under them. */
export class SettingsDraft {
  readonly #api: Api
  readonly #id: string
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  failure = $state('')
  saved = $state(false)
  run = $state.raw<Run | null>(null)
  /** What holds without the run's own overrides: its project's settings over the defaults. */
  base = $state.raw<Settings>(defaultSettings)
  /** The run's own overrides, as they would be. */
  overrides = $state.raw<SettingsOverrides>({})
  #stored = $state.raw<SettingsOverrides>({})
  #readings = $state.raw<readonly Reading[] | null>(null)
  readonly #parsed = $derived(parseSettings(this.overrides, this.base))

  constructor(api: Api, id: string) {
    this.#api = api
    this.#id = id
  }

  readonly load = async (): Promise<void> => {
    try {
      const run = await this.#api.run(this.#id)
      const [own, project] = await Promise.all([
        this.#api.runSettings(this.#id),
        this.#api.projectSettings(run.project),
      ])
      this.run = run
      this.base = project.settings as unknown as Settings
      this.overrides = this.#stored = own.overrides
      this.phase = 'ready'
      if (run.points <= MAX_POINTS_HERE) this.#readings = readingsOf(await this.#api.record(this.#id))
    } catch (error) {
      this.failure = sentenceOf(error)
      this.phase = 'failed'
    }
  }

  /** Faults by place, such as `/spike/open_z`. */
  get faults(): Readonly<Record<string, string>> {
    if (this.#parsed.ok) return {}
    return Object.fromEntries(this.#parsed.faults.map(({ path, message }) => [path, message]))
  }
  get isChanged(): boolean {
    return JSON.stringify(this.overrides) !== JSON.stringify(this.#stored)
  }

  valueOf(section: string, name: string): number | boolean {
    return this.overrides[section]?.[name] ?? this.inherited(section, name)
  }
  /** What holds where the run overrides nothing. */
  inherited(section: string, name: string): number | boolean {
    return (this.base as unknown as SettingsOverrides)[section]?.[name] as number | boolean
  }
  isOverridden(section: string, name: string): boolean {
    return this.overrides[section]?.[name] !== undefined
  }

  /** `undefined` gives the value up to the project again. */
  set(section: string, name: string, value: number | boolean | undefined): void {
    this.saved = false
    const others = Object.entries(this.overrides[section] ?? {}).filter(([other]) => other !== name)
    const names = Object.fromEntries(value === undefined ? others : [...others, [name, value]])
    const sections = Object.entries(this.overrides).filter(([other]) => other !== section)
    this.overrides = Object.fromEntries(
      Object.keys(names).length === 0 ? sections : [...sections, [section, names]],
    )
  }

  /** What the record comes to; `null` while it cannot be said. */
  async preview(): Promise<Preview | null> {
    const parsed = this.#parsed
    if (!parsed.ok || this.run === null) return null
    if (this.#readings !== null) return previewOf(this.#readings, this.run, parsed.settings)
    if (this.run.points <= MAX_POINTS_HERE) return null
    const { health, findings } = await this.#api.preview(this.#id, this.overrides)
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

  readonly save = async (): Promise<void> => {
    try {
      const reply = await this.#api.putRunSettings(this.#id, this.overrides)
      this.overrides = this.#stored = reply.overrides
      this.failure = ''
      this.saved = true
    } catch (error) {
      this.failure = sentenceOf(error)
    }
  }
}
