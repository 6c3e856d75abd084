import type { Plugin } from 'vite'

/** What uPlot asks of the browser's locale as it loads, and the same asked where the answer is needed. */
const QUESTIONS = [
  [
    /const numFormatter = (new Intl\.NumberFormat\(.*\));\nconst fmtNum = val => numFormatter\.format\(val\);/,
    'const fmtNum = val => $1.format(val);',
  ],
  [/const localTz = (new Intl\.DateTimeFormat\(\)\.resolvedOptions\(\)\.timeZone);/, ''],
  [/tz == localTz/, 'tz == new Intl.DateTimeFormat().resolvedOptions().timeZone'],
] as const

/**
 * uPlot makes a number formatter and asks for the time zone as it loads, which takes longer than all its other code does then.
 * The dashboard's charts write their numbers and times themselves and use neither.
 */
export const uplotWithoutLocale: Plugin = {
  name: 'uplot-without-locale',
  apply: 'build',
  transform: {
    filter: { id: /\/uPlot\.esm\.js$/ },
    handler(code) {
      return QUESTIONS.reduce((before, [asked, later]) => {
        const after = before.replace(asked, later)
        if (after === before) this.error(`uPlot does not ask ${asked} any more: remove it from this plugin`)
        return after
      }, code)
    },
  },
}
