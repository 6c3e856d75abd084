import type { Plugin } from 'vite'

/**
 * Puts the values of `detector-words.ts` in the place of the code that makes them: the first pages need the words of the
 * detector's kinds and causes, not the code that judges, which is a fifth of their weight.
 */
export const wordsOnly: Plugin = {
  name: 'words-only',
  apply: 'build',
  enforce: 'pre',
  transform: {
    filter: { id: /\/lib\/format\/detector-words\.ts$/ },
    async handler(code, id) {
      const made = (await import(id)) as Record<string, unknown>
      const values = code.replaceAll(
        /^export const (\w+)[^]*?\n\)$/gm,
        (_, name: string) => `export const ${name} = ${JSON.stringify(made[name])}`,
      )
      const stripped = values.replace(/^import .*\n/m, '')
      if (stripped.includes('findingKinds') || stripped.includes('Object.fromEntries'))
        this.error('detector-words.ts has code that words-only.ts does not replace')
      return { code: stripped, map: null }
    },
  },
}
