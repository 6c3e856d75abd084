import { settingsTable, type SwitchSetting } from './settings-table.ts'

type Table = typeof settingsTable

/** What decides a judgement, by section and name; a section of a finding's kind has an `enabled` switch. */
export type Settings = {
  readonly [Section in keyof Table]: {
    readonly [Name in keyof Table[Section]]: Table[Section][Name] extends SwitchSetting ? boolean : number
  }
}

export const defaultSettings: Settings = Object.fromEntries(
  Object.entries(settingsTable).map(([section, names]) => [
    section,
    Object.fromEntries(Object.entries(names).map(([name, { default: value }]) => [name, value])),
  ]),
) as Settings
