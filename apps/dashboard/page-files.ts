import type { Plugin, Rolldown } from 'vite'

type Bundle = Rolldown.OutputBundle
type Chunk = Rolldown.OutputChunk & { viteMetadata?: { readonly importedCss: ReadonlySet<string> } }

/** Where the server finds the lists of `pageFiles`, in the build's folder. */
const LIST = '_app/page-files.json'

/** What a page asks the API first, by its route; `[id]` is the run in its address. A test sees that each is asked once. */
const FIRST_QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  '/runs/[id]': [
    'api/v1/session',
    'api/v1/runs/[id]',
    'api/v1/runs/[id]/settings',
    'api/v1/findings?run=[id]&state=open&limit=200',
    'api/v1/findings?run=[id]&state=closed&limit=200',
    'api/v1/runs/[id]/series?metric=grad_norm&metric=loss&metric=max_norm&metric=clip_fraction&metric=lr&max_points=1500',
  ],
}

/**
 * Writes which scripts and style sheets each page needs, by its route (`/runs/[id]`), and what it asks first. The server
 * names them in the page it sends, so that a browser asks for all of them at once: otherwise it learns of a page's own files
 * only when the scripts that choose the page have run.
 */
export const pageFiles: Plugin = {
  name: 'page-files',
  enforce: 'post',
  applyToEnvironment: ({ name }) => name === 'client',
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter((output) => output.type === 'chunk') as Chunk[]
    const components = chunks.flatMap((chunk) =>
      chunk.moduleIds.flatMap((id) => {
        const [, folder, kind] = /\/src\/routes(.*)\/\+(page|layout|error)\.svelte$/.exec(id) ?? []
        return folder === undefined ? [] : [{ folder, isPage: kind === 'page', chunk }]
      }),
    )
    const pages = components
      .filter(({ isPage }) => isPage)
      .map(({ folder: route, chunk: page }) => {
        const around = components.filter(
          ({ folder, isPage }) => !isPage && `${route}/`.startsWith(`${folder}/`),
        )
        const files = new Set<string>()
        for (const { chunk } of around) addFiles(chunk, bundle, files)
        addFiles(page, bundle, files)
        return [route || '/', { files: [...files], questions: FIRST_QUESTIONS[route] ?? [] }]
      })
    this.emitFile({ type: 'asset', fileName: LIST, source: JSON.stringify(Object.fromEntries(pages)) })
  },
}

/** Adds the files of a chunk and of all it imports. */
function addFiles(chunk: Chunk, bundle: Bundle, files: Set<string>): void {
  if (files.has(chunk.fileName)) return
  files.add(chunk.fileName)
  for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style)
  for (const name of chunk.imports) {
    const imported = bundle[name]
    if (imported?.type === 'chunk') addFiles(imported, bundle, files)
  }
}
