import type { Plugin } from 'vite'

/**
 * Asks browsers to compile all functions of a script as it arrives, beside the page's own thread: most of them run at once,
 * and would otherwise be compiled there one by one. Only the first line of a file is read for it, and only by some browsers.
 */
export const compiledAtOnce: Plugin = {
  name: 'compiled-at-once',
  apply: 'build',
  applyToEnvironment: ({ name }) => name === 'client',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      for (const output of Object.values(bundle))
        if (output.type === 'chunk') output.code = `//# allFunctionsCalledOnLoad\n${output.code}`
    },
  },
}
