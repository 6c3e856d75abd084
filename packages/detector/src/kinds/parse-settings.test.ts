import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultSettings, parseSettings, settingsTable, type ParsedSettings } from '../index.ts'

function faults(parsed: ParsedSettings): string[] {
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path} ${message}`)
}

describe('settings', () => {
  it('lays overrides over the base and leaves the base as it was', () => {
    const parsed = parseSettings(
      { clip_saturated: { open_rate: 0.9 }, spike: { enabled: false } },
      defaultSettings,
    )
    expect(parsed).toEqual({
      ok: true,
      settings: {
        ...defaultSettings,
        clip_saturated: { ...defaultSettings.clip_saturated, open_rate: 0.9 },
        spike: { ...defaultSettings.spike, enabled: false },
      },
    })
    expect(defaultSettings.clip_saturated.open_rate).toBe(0.8)
    expect(parseSettings({}, defaultSettings)).toEqual({ ok: true, settings: defaultSettings })
  })

  it.each<[unknown, string]>([
    [null, ' must be an object of sections'],
    [[], ' must be an object of sections'],
    [{ spikes: {} }, '/spikes is not a known section'],
    [{ spike: 7 }, '/spike must be an object'],
    [{ spike: { z: 7 } }, '/spike/z is not a known setting'],
    [{ spike: { constructor: 7 } }, '/spike/constructor is not a known setting'],
    [{ spike: { open_z: '7' } }, '/spike/open_z must be a number from 2 to 100'],
    [{ spike: { open_z: NaN } }, '/spike/open_z must be a number from 2 to 100'],
    [{ spike: { open_z: null } }, '/spike/open_z must be a number from 2 to 100'],
    [{ spike: { many: 2.5 } }, '/spike/many must be a whole number from 2 to 10'],
    [{ spike: { enabled: 1 } }, '/spike/enabled must be true or false'],
    [
      { clip_saturated: { close_rate: 0.9 } },
      '/clip_saturated/close_rate must not be above /clip_saturated/open_rate',
    ],
    [{ window: { min: 100, max: 50 } }, '/window/min must not be above /window/max'],
  ])('refuses %j', (body, fault) => {
    expect(faults(parseSettings(body, defaultSettings))).toEqual([fault])
  })

  it('names every fault at once', () => {
    expect(faults(parseSettings({ spike: { open_z: 0, many: 0 }, x: {} }, defaultSettings))).toHaveLength(3)
  })

  it('never throws and never lets a value out of bounds through', () => {
    fc.assert(
      fc.property(
        fc.json().map((text) => JSON.parse(text) as unknown),
        (body) => {
          const parsed = parseSettings(body, defaultSettings)
          if (parsed.ok) expect(parsed.settings).toEqual(defaultSettings)
        },
      ),
    )
  })

  it('gives every default a reason, within its own bounds', () => {
    for (const section of Object.values(settingsTable))
      for (const setting of Object.values(section)) {
        expect(setting.why.length).toBeGreaterThan(10)
        if ('min' in setting) expect(setting.default).toBeGreaterThanOrEqual(setting.min)
        if ('min' in setting) expect(setting.default).toBeLessThanOrEqual(setting.max)
      }
  })
})
