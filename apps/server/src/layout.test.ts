import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { dataFolder, defaultDataFolder, isInstalled, layout } from './layout.ts'

it.each([
  ['linux', {}, '/home/ada/.local/share'],
  ['linux', { XDG_DATA_HOME: '/big/ada' }, '/big/ada'],
  ['linux', { XDG_DATA_HOME: 'relative' }, '/home/ada/.local/share'],
  ['darwin', {}, '/home/ada/Library/Application Support'],
  ['win32', { LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local' }, 'C:\\Users\\ada\\AppData\\Local'],
] as const)("keeps data on %s with %j in the platform's own folder", (platform, env, folder) => {
  expect(dataFolder(platform, env, '/home/ada')).toBe(folder)
})

it('runs from a checkout with its files where they are, and data in ./data', () => {
  expect(isInstalled).toBe(false)
  expect(defaultDataFolder).toBe('./data')
  for (const path of [layout.manifest, layout.migrations, layout.referenceStyle])
    expect(existsSync(path)).toBe(true)
})
