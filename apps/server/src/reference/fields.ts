import type { Schema } from './document.ts'
import { html, join, type Html } from './html.ts'

/** The fields of an object, and theirs, as a list; of anything else its type. Of a reply nothing is marked as required. */
export function fieldList(schema: Schema, isReply = false): Html {
  const inner = listOf(schema, isReply)
  return inner ?? html`<p class="type">${typeText(schema)}</p>`
}

function listOf(schema: Schema, isReply: boolean): Html | undefined {
  const choices = objectsIn(schema)
  if (choices.length > 1) {
    const items = choices.map(
      (choice, i) =>
        html`<li>
          <span class="type">${i === 0 ? 'either' : 'or'}</span> ${listOf(choice, isReply) ?? ''}
        </li>`,
    )
    return html`<ul class="fields">
      ${join(items)}
    </ul>`
  }
  const [only] = choices
  if (only === undefined) return undefined
  const {
    properties = {},
    required = [],
    additionalProperties,
  } = only as {
    properties?: Record<string, Schema>
    required?: readonly string[]
    additionalProperties?: boolean | Schema
  }
  const fields = Object.entries(properties).map(([name, field]) =>
    fieldItem(name, field, !isReply && required.includes(name), isReply),
  )
  if (typeof additionalProperties === 'object')
    fields.push(fieldItem('any other name', additionalProperties, false, isReply))
  return fields.length === 0
    ? undefined
    : html`<ul class="fields">
        ${join(fields)}
      </ul>`
}

function fieldItem(name: string, field: Schema, isRequired: boolean, isReply: boolean): Html {
  const { description = '' } = field as { description?: string }
  return html`<li>
    <code>${name}</code>
    <span class="type">${typeText(field)}${isRequired ? ', required' : ''}</span> ${description}
    ${listOf(field, isReply) ?? ''}
  </li>`
}

/** The objects that a value of the schema may be, those in a list included. */
function objectsIn(schema: Schema): Schema[] {
  const { oneOf, anyOf, items, type } = schema as Record<'oneOf' | 'anyOf', readonly Schema[] | undefined> & {
    items?: Schema
    type?: string
  }
  const choices = oneOf ?? anyOf
  if (choices !== undefined) return choices.flatMap(objectsIn)
  if (type === 'array' && items !== undefined) return objectsIn(items)
  return type === 'object' ? [schema] : []
}

/** The type of a value and its bounds, in words: `integer, 0 to 200`. */
export function typeText(schema: Schema): string {
  const {
    type,
    enum: values,
    oneOf,
    anyOf,
    items,
  } = schema as {
    type?: string
    enum?: readonly unknown[]
    oneOf?: readonly Schema[]
    anyOf?: readonly Schema[]
    items?: Schema
  }
  const choices = oneOf ?? anyOf
  if (choices !== undefined) return [...new Set(choices.map(typeText))].join(' or ')
  if ('const' in schema) return JSON.stringify(schema['const'])
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (type === 'array') return `list of ${typeText(items ?? {})}${boundsText(schema, 'Items', ' long')}`
  if (type === undefined) return 'anything'
  if (schema['format'] === 'date-time') return 'instant (ISO 8601)'
  return `${type}${boundsText(schema, 'Length', ' characters')}${rangeText(schema)}`
}

function boundsText(schema: Schema, of: 'Items' | 'Length', unit: string): string {
  const least = schema[`min${of}`] as number | undefined
  const most = schema[`max${of}`] as number | undefined
  if (most === undefined) return least === undefined ? '' : `, at least ${figure(least)}${unit}`
  return `, ${least === undefined ? 'up to ' : `${figure(least)} to `}${figure(most)}${unit}`
}

function rangeText(schema: Schema): string {
  const bounds = [
    ['exclusiveMinimum', 'above'],
    ['minimum', 'from'],
    ['maximum', 'to'],
    ['default', 'by default'],
  ] as const
  const parts = bounds.flatMap(([key, word]) => (key in schema ? [`${word} ${figure(schema[key])}`] : []))
  return parts.length === 0 ? '' : `, ${parts.join(' ')}`
}

const figure = (value: unknown): string => {
  if (value === Number.MAX_SAFE_INTEGER) return '2^53 - 1'
  return typeof value === 'number' && value < 1e15 ? value.toLocaleString('en-US') : String(value)
}
