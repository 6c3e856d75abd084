import type { OpenAPIV3_1 } from 'openapi-types'
import { curl } from './curl.ts'
import { operationsOf, type Document, type Parameter, type Schema } from './document.ts'
import { fieldList, typeText } from './fields.ts'
import { html, join, type Html } from './html.ts'

type Content = Record<string, { schema?: unknown; example?: unknown }>

/** The reference as a page of its own: no script, and nothing from elsewhere. `style` is the address of its style sheet. */
export function referencePage(document: Document, style: string): string {
  const operations = operationsOf(document)
  const sections = (document.tags ?? []).map(({ name, description = '' }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => operation.tags?.[0] === name),
  }))
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Normwatch API</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${style}" />
      </head>
      <body>
        <nav>
          <a class="home" href="..">Normwatch</a>
          <ul>
            ${join(sections.map(({ name }) => html`<li><a href="#${anchor(name)}">${name}</a></li>`))}
          </ul>
          <a href="../api/v1/openapi.json">OpenAPI document</a>
        </nav>
        <main>
          <h1>API</h1>
          <p class="version">Version ${document.info.version}</p>
          <p>${document.info.description ?? ''}</p>
          ${join(
            sections.map(
              ({ name, description, operations }) =>
                html`<section id="${anchor(name)}">
                  <h2>${name}</h2>
                  <p>${description}</p>
                  ${join(operations.map(operationPart))}
                </section>`,
            ),
          )}
        </main>
      </body>
    </html>`.text
}

function operationPart({ method, path, operation }: ReturnType<typeof operationsOf>[number]): Html {
  const parameters = (operation.parameters ?? []) as Parameter[]
  const body = (operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined)?.content as
    Content | undefined
  return html`<details id="${operation.operationId ?? ''}">
    <summary>
      <span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code>
      <span class="says">${operation.summary ?? ''}</span>
    </summary>
    ${operation.description === undefined ? '' : html`<p>${operation.description}</p>`}
    <h3>Example</h3>
    <pre><code>${curl(method, path, operation)}</code></pre>
    ${
      parameters.length === 0
        ? ''
        : html`<h3>Parameters</h3>
            ${parameterList(parameters)}`
    }
    ${
      body === undefined
        ? ''
        : html`<h3>Body</h3>
            ${fieldList(schemaOf(body))}`
    }
    <h3>Replies</h3>
    ${join(Object.entries(operation.responses ?? {}).map(([status, reply]) => replyPart(status, reply)))}
  </details>`
}

function replyPart(status: string, reply: object): Html {
  const { description, content } = reply as { description: string; content?: Content }
  const types = Object.keys(content ?? {}).filter((type) => type !== 'application/json')
  const says = html`<b>${status.toLowerCase()}</b> ${description} ${types.join(', ')}`
  if (content === undefined || types.length > 0 || !status.startsWith('2')) return html`<p>${says}</p>`
  return html`<p>${says}</p>
    ${fieldList(schemaOf(content), true)}`
}

function parameterList(parameters: readonly Parameter[]): Html {
  return html`<ul class="fields">
    ${join(
      parameters.map(
        ({ name, in: place, required, schema, description }) =>
          html`<li>
            <code>${name}</code>
            <span class="type"
              >${place}, ${typeText(schema as Schema)}${required === true ? ', required' : ''}</span
            >
            ${description ?? ''}
          </li>`,
      ),
    )}
  </ul>`
}

const schemaOf = (content: Content): Schema => (content['application/json']?.schema ?? {}) as Schema
const anchor = (name: string): string => name.toLowerCase().replaceAll(' ', '-')
