import { html } from '../reference/html.ts'

export interface InstallPage {
  readonly language: 'Python' | 'JavaScript'
  /** What the SDK needs. */
  readonly needs: string
  /** The line that installs it. */
  readonly install: string
  /** What comes next, in words and as lines to paste. */
  readonly next: { readonly words: string; readonly lines: string }
  /** The archive's path from this page, and its name. */
  readonly archive: { readonly path: string; readonly name: string }
  readonly version: string
}

/** The page at `/sdk/python` or `/sdk/npm`: one line to paste for people, the archive's link for other installers. */
export function installPage({ language, needs, install, next, archive, version }: InstallPage): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Normwatch for ${language}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="../docs/page.css" />
      </head>
      <body>
        <nav>
          <a class="home" href="..">Normwatch</a>
          <a href="../docs/">API</a>
        </nav>
        <main>
          <h1>Normwatch for ${language}</h1>
          <p class="version">Version ${version}</p>
          <p>
            This server hands out its own SDK. It needs ${needs} and no other package, so the machine that
            trains need not reach anything but this server:
          </p>
          <pre><code>${install}</code></pre>
          <p>${next.words}</p>
          <pre><code>${next.lines}</code></pre>
          <p>The archive itself, for other installers: <a href="${archive.path}">${archive.name}</a></p>
        </main>
      </body>
    </html>`.text
}
