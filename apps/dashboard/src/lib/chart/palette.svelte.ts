import { theme } from '#lib/state/theme.svelte.ts'

const NAMES = [
  'text',
  'muted',
  'grid',
  'surface',
  'norm',
  'cap',
  'loss',
  'lr',
  'metric',
  'rate',
  'flagged',
  'watch',
  'info',
  'nonfinite',
  'run1',
  'run2',
  'run3',
  'run4',
  'run5',
  'run6',
  'run7',
  'run8',
] as const
export type ColourName = (typeof NAMES)[number]
export type Palette = Readonly<Record<ColourName, string>>

/** The colours of the style sheet as a canvas takes them, `rgb(…)`: the charts have no colours of their own. */
function readPalette(): Palette {
  const probe = document.createElement('span')
  // Where a person's own colours replace all others, charts keep their hues: they tell lines apart.
  probe.style.setProperty('forced-color-adjust', 'none')
  document.body.append(probe)
  const colours = NAMES.map((name) => {
    probe.style.color = `var(--${name})`
    return [name, getComputedStyle(probe).color] as const
  })
  probe.remove()
  return Object.fromEntries(colours) as Palette
}

/** The colours of one theme, whichever the page has: it has this one for as long as they are read, before anything is drawn. */
export function paletteOf(scheme: 'light' | 'dark'): Palette {
  const { dataset } = document.documentElement
  const chosen = dataset['theme']
  dataset['theme'] = scheme
  const colours = readPalette()
  if (chosen === undefined) delete dataset['theme']
  else dataset['theme'] = chosen
  return colours
}

export const palette = new (class {
  /** Whether charts are drawn for paper, which is light. */
  isPrinted = $state(false)
  readonly #isDarkOnPaper = $derived(this.isPrinted && theme.isDark)
  readonly #current = $derived.by(() => {
    void theme.isDark
    return this.#isDarkOnPaper ? paletteOf('light') : readPalette()
  })

  /** Read again when the theme changes, and for paper in a dark theme. */
  get current(): Palette {
    return this.#current
  }
})()
