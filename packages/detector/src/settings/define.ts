/** One setting: its default, its bounds, and the reason for the default. */
export interface NumberSetting {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly integer: boolean
  readonly why: string
}
export interface SwitchSetting {
  readonly default: boolean
  readonly why: string
}

export const number = (value: number, [min, max]: readonly [number, number], why: string): NumberSetting => ({
  default: value,
  min,
  max,
  integer: false,
  why,
})
export const count = (value: number, range: readonly [number, number], why: string): NumberSetting => ({
  ...number(value, range, why),
  integer: true,
})
export const on: SwitchSetting = { default: true, why: 'Off: this kind is never judged.' }

/** The settings of one section by name. */
export type SettingsSection = Readonly<Record<string, NumberSetting | SwitchSetting>>

/** The values of a section. */
export type SettingsOf<Section extends SettingsSection> = {
  readonly [Name in keyof Section]: Section[Name] extends SwitchSetting ? boolean : number
}
