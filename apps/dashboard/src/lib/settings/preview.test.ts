import { defaultSettings, parseSettings, type Settings } from '@normwatch/detector'
import { describe, expect, it } from 'vitest'
import { previewOf, readingsOf } from '#lib/settings/preview.ts'

const run = { clip: { mode: 'norm', max_norm: 1 }, optimizer: null, status: 'running' } as const
const lines = Array.from({ length: 120 }, (_, step) =>
  JSON.stringify({
    step,
    time: 1e9 + step,
    grad_norm: step === 60 ? 'NaN' : 3 + (step % 5) / 10,
    layers: { a: 1 },
  }),
).join('\n')

function settingsWith(body: object): Settings {
  const parsed = parseSettings(body, defaultSettings)
  if (!parsed.ok) throw new Error('these settings are valid')
  return parsed.settings
}

describe('the preview of other settings', () => {
  it('judges the exported record as the server does', () => {
    const { health, findings } = previewOf(readingsOf(`${lines}\n`), run, defaultSettings)
    expect(health).toBe('flagged')
    expect(findings.map(({ kind, openedStep }) => [kind, openedStep])).toContainEqual(['nonfinite', 60])
    const saturated = findings.find(({ kind }) => kind === 'clip_saturated')
    expect(saturated).toMatchObject({ severity: 'warning', closedStep: undefined })
  })
  it('finds nothing of a kind that is off', () => {
    const off = settingsWith({ clip_saturated: { enabled: false }, nonfinite: { enabled: false } })
    expect(previewOf(readingsOf(lines), run, off).findings).toEqual([])
  })
})
