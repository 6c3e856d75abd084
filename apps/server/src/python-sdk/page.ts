import { html } from '../reference/html.ts'

export interface InstallPage {
  /** Address of the server as the reader sees it. */
  readonly server: string
  readonly archive: string
  readonly version: string
}

/** The page at `/sdk/python`: one line to paste for people, the archive's link for pip. */
export function installPage({ server, archive, version }: InstallPage): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Normwatch for Python</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="../docs/page.css" />
      </head>
      <body>
        <nav>
          <a class="home" href="..">Normwatch</a>
          <a href="../docs/">API</a>
        </nav>
        <main>
          <h1>Normwatch for Python</h1>
          <p class="version">Version ${version}</p>
          <p>
            This server hands out its own SDK. It needs Python 3.9 or later and no other package, so the
            machine that trains need not reach anything but this server:
          </p>
          <pre><code>pip install ${server}/sdk/python</code></pre>
          <p>Then, in the training or around it:</p>
          <pre><code>export NORMWATCH_URL=${server}
normwatch run -- python train.py</code></pre>
          <p>The archive itself, for other installers: <a href="python/${archive}">${archive}</a></p>
        </main>
      </body>
    </html>`.text
}
