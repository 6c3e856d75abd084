import { MediaQuery } from 'svelte/reactivity'

type Theme = 'system' | 'light' | 'dark'
const KEY = 'normwatch.theme'

/** Light or dark: as the system says, unless a person chose. The page's first lines (`app.html`) apply the choice before anything shows. */
class ThemeChoice {
  readonly #systemIsDark = new MediaQuery('prefers-color-scheme: dark')
  #choice = $state<Theme>((document.documentElement.dataset['theme'] as Theme | undefined) ?? 'system')

  get choice(): Theme {
    return this.#choice
  }

  get isDark(): boolean {
    return this.#choice === 'system' ? this.#systemIsDark.current : this.#choice === 'dark'
  }

  /** The other of the two: a switch back to what the system says is a return to following it. */
  toggle(): void {
    const next = this.isDark ? 'light' : 'dark'
    this.#choice = (next === 'dark') === this.#systemIsDark.current ? 'system' : next
    if (this.#choice === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = this.#choice
    try {
      if (this.#choice === 'system') localStorage.removeItem(KEY)
      else localStorage.setItem(KEY, this.#choice)
    } catch {
      // Storage is refused: the choice holds for this page only.
    }
  }
}

export const theme = new ThemeChoice()
