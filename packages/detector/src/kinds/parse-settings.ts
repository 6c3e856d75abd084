import type { NumberSetting, SettingsSection, SwitchSetting } from '../settings/define.ts'
import { ASCENDING, settingsTable } from './settings-table.ts'
import type { Settings } from '../settings/settings.ts'

/** What is wrong with one setting; `path` is a JSON pointer. */
export interface SettingsFault {
  readonly path: string
  readonly message: string
}
export type ParsedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly SettingsFault[] }

/**
 * Lays the overrides in `body` (`{section: {name: value}}`, any part of them) over `base`. Nothing is repaired: an
 * unknown name, a wrong type or a value out of bounds is a fault, and one fault refuses everything.
 */
export function parseSettings(body: unknown, base: Settings): ParsedSettings {
  if (!isObject(body)) return { ok: false, faults: [{ path: '', message: 'must be an object of sections' }] }
  const faults: SettingsFault[] = []
  const draft: Record<string, Record<string, unknown>> = {}
  for (const [section, names] of Object.entries(base)) draft[section] = { ...names }
  for (const [section, names] of Object.entries(body)) {
    const known = ownEntry(settingsTable, section)
    if (known === undefined) faults.push({ path: `/${section}`, message: 'is not a known section' })
    else if (!isObject(names)) faults.push({ path: `/${section}`, message: 'must be an object' })
    else
      for (const [name, value] of Object.entries(names)) {
        const setting = ownEntry(known as SettingsSection, name)
        const fault = setting === undefined ? 'is not a known setting' : faultOf(setting, value)
        if (fault !== undefined) faults.push({ path: `/${section}/${name}`, message: fault })
        else (draft[section] as Record<string, unknown>)[name] = value
      }
  }
  if (faults.length === 0)
    for (const [low, high] of ASCENDING)
      if (at(draft, low) > at(draft, high)) faults.push({ path: low, message: `must not be above ${high}` })
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings: draft as unknown as Settings }
}

function faultOf(setting: NumberSetting | SwitchSetting, value: unknown): string | undefined {
  if (typeof setting.default === 'boolean')
    return typeof value === 'boolean' ? undefined : 'must be true or false'
  const { min, max, integer } = setting as NumberSetting
  const fits =
    typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))
  return fits ? undefined : `must be a ${integer ? 'whole number' : 'number'} from ${min} to ${max}`
}

function at(draft: Record<string, Record<string, unknown>>, path: string): number {
  const [, section, name] = path.split('/') as [string, string, string]
  return draft[section]?.[name] as number
}

function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
