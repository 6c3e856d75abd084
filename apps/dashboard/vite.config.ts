import adapter from '@sveltejs/adapter-static'
import { readFileSync } from 'node:fs'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig, type Plugin } from 'vite'
import { compiledAtOnce } from './compiled-at-once.ts'
import { pageFiles } from './page-files.ts'
import { uplotWithoutLocale } from './uplot-without-locale.ts'
import { wordsOnly } from './words-only.ts'

/** The pages' version is that of the package: by default it is the time of the build, and no two builds were the same. */
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Where `vite dev` finds a running server; `NORMWATCH_DEV_SERVER` names another one. */
const server = process.env['NORMWATCH_DEV_SERVER'] ?? 'http://127.0.0.1:4280'

/**
 * Kit's announcer for screen readers hides itself by an inline style, which a content security policy without
 * `unsafe-inline` refuses: its place is taken by a rule of `app.css`.
 */
const announcerWithoutInlineStyle: Plugin = {
  name: 'announcer-without-inline-style',
  enforce: 'pre',
  transform: {
    filter: { id: /@sveltejs\/kit\/.*\/root\.svelte$/ },
    handler(code) {
      const stripped = code.replace(/(id="svelte-announcer"[^>]*?)\s+style="[^"]*"/, '$1')
      if (stripped === code)
        this.error('kit has no announcer with an inline style any more: remove this plugin')
      return { code: stripped, map: null }
    },
  },
}

// What is built is what people use, also where a test builds it, whose environment would have it with the checks of development.
if (process.argv.includes('build')) process.env['NODE_ENV'] = 'production'

export default defineConfig({
  // What reads logs loads the readers of large formats when it needs them.
  worker: { format: 'es' },
  // The licences of everything that stands in the pages' scripts, served beside them.
  build: { license: { fileName: 'licences.md' } },
  environments: {
    client: {
      build: {
        rolldownOptions: {
          output: {
            // Few files instead of many small ones, which compress worse and are a round trip each. Kit tells its start where
            // the pages are before it loads any other module: what that first script imports is in no group with others.
            codeSplitting: {
              groups: [
                {
                  name: 'payload',
                  test: /runtime\/client\/payload\.js$|vite\/preload-helper|rolldown.runtime/,
                  priority: 2,
                },
                {
                  name: 'pages',
                  test: /node_modules\/(svelte|@sveltejs)\/(?!.*client\/entry\.js)|dashboard\/src\/(lib\/(api|chart|format|state|ui)\/|lib\/[^/]+$|routes\/)/,
                  minShareCount: 2,
                  priority: 1,
                },
              ],
            },
          },
        },
      },
    },
  },
  plugins: [
    announcerWithoutInlineStyle,
    wordsOnly,
    uplotWithoutLocale,
    pageFiles,
    compiledAtOnce,
    sveltekit({
      adapter: adapter({ fallback: 'index.html', precompress: true }),
      compilerOptions: { runes: true },
      version: { name: version },
    }),
  ],
  server: {
    port: 4320,
    proxy: { '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } } },
  },
})
