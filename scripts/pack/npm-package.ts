import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'

/** The oldest Node with a complete `node:sqlite`. On an older one, `bin.js` prints an error. */
const NODE = '>=22.23.0 <23 || >=24.15.0'
/** A package that is not bundled, because it has binaries. If it is missing, Node's own SQLite is used. */
const SQLITE = 'better-sqlite3'

/** Defines the variables that CommonJS modules expect. */
const COMMONJS = `import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename
`

/** Bundles the server and the command line into `folder` as the npm package `normwatch`. Returns the folder for `npm pack`. */
export async function makeNpmPackage(root: string, folder: string): Promise<string> {
  const server = join(folder, 'server')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'apps/server/src/main.ts',
      cli: 'apps/server/src/cli/normwatch.ts',
      'unpacking-thread': 'apps/server/src/storage/run/unpacking-thread.ts',
    },
    outdir: server,
    // all files go into one folder, because `layout.ts` finds everything else relative to it
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    // the PostgreSQL driver loads pg-native only if it is configured to
    external: [SQLITE, 'pg-native'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    define: { NORMWATCH_BUNDLE: 'true' },
    banner: { js: COMMONJS },
  })
  cpSync(join(root, 'apps/server/src/reference/page.css'), join(server, 'page.css'))
  for (const file of globSync('*', { cwd: join(root, 'apps/server/src/cli/export/page') })) {
    cpSync(join(root, 'apps/server/src/cli/export/page', file), join(server, 'export-page', file))
  }
  for (const file of ['uPlot.iife.min.js', 'uPlot.min.css']) {
    cpSync(join(root, 'node_modules/uplot/dist', file), join(server, 'export-page', file))
  }
  cpSync(join(root, 'apps/dashboard/build'), join(folder, 'dashboard'), { recursive: true })
  for (const file of globSync('{,postgres/}{meta/_journal.json,*.sql}', { cwd: join(root, 'drizzle') })) {
    cpSync(join(root, 'drizzle', file), join(folder, 'drizzle', file))
  }
  for (const part of ['offline', 'src/normwatch']) {
    cpSync(join(root, 'packages/sdk-python', part), join(folder, 'sdk-python', part), {
      recursive: true,
      filter: (path) => !path.includes('__pycache__'),
    })
  }
  cpSync(join(root, 'packages/sdk/dist'), join(folder, 'sdk-npm'), { recursive: true })
  mkdirSync(join(folder, 'bin'))
  cpSync(join(root, 'scripts/pack/bin.js'), join(folder, 'bin/normwatch.js'))
  chmodSync(join(folder, 'bin/normwatch.js'), 0o755)
  cpSync(join(root, 'scripts/pack/start.js'), join(folder, 'bin/start.js'))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  cpSync(join(root, 'scripts/pack/README.md'), join(folder, 'README.md'))
  writeFileSync(join(folder, 'THIRD-PARTY.md'), licencesOf(root, metafile))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifestOf(root), null, 2)}\n`)
  return folder
}

function manifestOf(root: string): object {
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'))
  const { name, version, description, license } = read('package.json')
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    bin: { normwatch: './bin/normwatch.js' },
    files: ['bin', 'dashboard', 'drizzle', 'sdk-npm', 'sdk-python', 'server', 'THIRD-PARTY.md'],
    engines: { node: NODE },
    optionalDependencies: { [SQLITE]: read('apps/server/package.json').dependencies[SQLITE] },
  }
}

/** Every package with code in the bundle, with its licence. */
function licencesOf(root: string, { inputs }: Metafile): string {
  const folders = Object.keys(inputs).flatMap(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
  )
  const parts = [...new Set(folders)].sort().map((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const [file] = globSync('{LICENSE,LICENCE,license,licence,COPYING}*', { cwd: join(root, folder) })
    const text =
      file !== undefined && existsSync(join(root, folder, file))
        ? readFileSync(join(root, folder, file), 'utf8')
        : ''
    return `## ${manifest.name} ${manifest.version} (${manifest.license})\n\n${text.trim()}\n`
  })
  return `# Other people's code in this package\n\n${parts.join('\n')}`
}
