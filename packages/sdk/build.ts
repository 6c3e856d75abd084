/**
 * Builds the published package in `dist`: JavaScript for Node 20 and browsers that includes the protocol's codec,
 * declarations that import nothing, and a manifest without dependencies. `npm pack ./dist` makes the tarball.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, type BuildOptions } from 'esbuild'

const here = import.meta.dirname
const dist = join(here, 'dist')
const peer = '@tensorflow/tfjs-core'
const shared: BuildOptions = {
  bundle: true,
  format: 'esm',
  outdir: dist,
  target: ['node20', 'chrome116', 'firefox124', 'safari17.4'],
}

rmSync(dist, { recursive: true, force: true })
const inSource = (name: string) => join(here, 'src', `${name}.ts`)
await build({
  ...shared,
  platform: 'node',
  entryPoints: ['index', 'sync-program', 'thread-program'].map(inSource),
})
await build({
  ...shared,
  platform: 'browser',
  entryPoints: ['browser', 'tfjs'].map(inSource),
  external: [peer],
})
chmodSync(join(dist, 'sync-program.js'), 0o755)
writeDeclarations()
writeManifest()
writeReadme()
copyFileSync(join(here, '../../LICENSE'), join(dist, 'LICENSE'))

/** The package's README. Its first example is taken from the repository's README, where a test runs it. */
function writeReadme(): void {
  const readme = readFileSync(join(here, '../../README.md'), 'utf8')
  const snippet = /```ts\n[\s\S]*?```/.exec(readme)?.[0]
  if (snippet === undefined) throw new Error('README.md has no block of TypeScript')
  const text = `# @normwatch/sdk

Sends the gradient norms of a training loop to [Normwatch](https://www.npmjs.com/package/normwatch): never waits, never fails, never
loses a reading because of the monitor. For Node from version 20.3 on and for browsers, without further packages.

\`\`\`sh
npx normwatch                # the server and its dashboard, on http://127.0.0.1:4280
npm install @normwatch/sdk
\`\`\`

${snippet}

Readings that cannot be sent wait on disk; \`npx normwatch-sync\` sends them later. \`@normwatch/sdk/tfjs\` clips and measures the
gradients of TensorFlow.js, and has a callback for \`model.fit\`. Every option is described at its type.
`
  writeFileSync(join(dist, 'README.md'), text)
}

/** The declaration files that the entries import, directly or indirectly. */
function writeDeclarations(): void {
  const all = mkdtempSync(join(tmpdir(), 'normwatch-sdk-types-'))
  execFileSync('tsc', ['-p', join(here, 'tsconfig.build.json'), '--outDir', all], { stdio: 'inherit' })
  for (const name of ['index', 'browser', 'tfjs', 'fit', 'types', 'clip']) {
    const declarations = readFileSync(join(all, 'packages/sdk/src', `${name}.d.ts`), 'utf8')
    writeFileSync(join(dist, `${name}.d.ts`), declarations.replaceAll(/(from '\.\/[a-z]+)\.ts'/g, "$1.js'"))
  }
  rmSync(all, { recursive: true })
}

function writeManifest(): void {
  const source = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as Record<string, unknown>
  const { name, version, description, license, type, peerDependencies, peerDependenciesMeta } = source
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    engines: { node: '>=20.3' },
    exports: {
      '.': {
        browser: { types: './browser.d.ts', default: './browser.js' },
        default: { types: './index.d.ts', default: './index.js' },
      },
      './tfjs': { types: './tfjs.d.ts', default: './tfjs.js' },
    },
    bin: { 'normwatch-sync': './sync-program.js' },
    peerDependencies,
    peerDependenciesMeta,
  }
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
