import { defaultSettings, parseSettings, settingsTable, type Settings } from '@normwatch/detector'
import type { SettingsOverrides } from '@normwatch/protocol'
import { sentenceOf } from '#lib/api/failure.ts'
import type { SettingsOwner } from '#lib/settings/settings-owner.ts'

/** Where a value comes from: the run or project that the settings belong to, the project above the run, or the default. */
export type Origin = 'own' | 'above' | 'default'

/** The detection settings of a run or a project while a person changes them. */
export class SettingsDraft {
  readonly owner: SettingsOwner
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  failure = $state('')
  saved = $state(false)
  /** The owner's overrides, as they would be. */
  overrides = $state.raw<SettingsOverrides>({})
  #stored = $state.raw<SettingsOverrides>({})
  #above = $state.raw<SettingsOverrides>({})
  /** What holds without the owner's overrides. */
  readonly #base = $derived(settingsOver(this.#above, defaultSettings))
  readonly #parsed = $derived(parseSettings(this.overrides, this.#base))

  constructor(owner: SettingsOwner) {
    this.owner = owner
  }

  readonly load = async (): Promise<void> => {
    try {
      const { own, above } = await this.owner.load()
      this.#above = above
      this.overrides = this.#stored = own
      this.phase = 'ready'
    } catch (error) {
      this.failure = sentenceOf(error)
      this.phase = 'failed'
    }
  }

  /** The settings that would be in force; `null` while a value is at fault. */
  get settings(): Settings | null {
    return this.#parsed.ok ? this.#parsed.settings : null
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
  /** What holds where the owner overrides nothing. */
  inherited(section: string, name: string): number | boolean {
    return valueIn(this.#base, section, name)
  }
  defaultOf(section: string, name: string): number | boolean {
    return valueIn(defaultSettings, section, name)
  }
  originOf(section: string, name: string): Origin {
    if (this.overrides[section]?.[name] !== undefined) return 'own'
    return this.#above[section]?.[name] !== undefined ? 'above' : 'default'
  }
  /** How many values of a section, or of all, come from there. */
  countOf(origin: Origin, section?: string): number {
    return Object.entries(settingsTable)
      .filter(([one]) => section === undefined || one === section)
      .flatMap(([one, names]) => Object.keys(names).map((name) => this.originOf(one, name)))
      .filter((one) => one === origin).length
  }

  /** `undefined` gives the owner's value up. */
  set(section: string, name: string, value: number | boolean | undefined): void {
    this.saved = false
    const others = Object.entries(this.overrides[section] ?? {}).filter(([other]) => other !== name)
    const names = Object.fromEntries(value === undefined ? others : [...others, [name, value]])
    const sections = Object.entries(this.overrides).filter(([other]) => other !== section)
    this.overrides = Object.fromEntries(
      Object.keys(names).length === 0 ? sections : [...sections, [section, names]],
    )
  }

  readonly save = async (): Promise<void> => {
    try {
      const reply = await this.owner.save(this.overrides)
      this.overrides = this.#stored = reply.overrides
      this.failure = ''
      this.saved = true
    } catch (error) {
      this.failure = sentenceOf(error)
    }
  }
}

/** Settings that the server has checked over others. */
function settingsOver(overrides: SettingsOverrides, base: Settings): Settings {
  const parsed = parseSettings(overrides, base)
  return parsed.ok ? parsed.settings : base
}

function valueIn(settings: Settings, section: string, name: string): number | boolean {
  return (settings as unknown as SettingsOverrides)[section]?.[name] as number | boolean
}
