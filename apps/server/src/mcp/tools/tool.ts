/** Query parameters; a list repeats its name, `undefined` is left out. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** Calls the API with the rights of the tool's user: the reply to `GET /api/v1{path}`. Rejects with a readable message. */
export type Ask = <T>(path: string, query?: Query) => Promise<T>

/** A tool of the MCP server. It only reads: `Ask` can only GET. */
export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  /** JSON Schema of the arguments; others are refused before `answer` is called. */
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[]
  /** The answer as JSON; bounded, however large the runs are. */
  answer(ask: Ask, args: Readonly<Record<string, unknown>>): Promise<object>
}

/** Schemas of arguments that several tools take. */
export const Run = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  description: 'Id of a run, from list_runs.',
}
export const limit = (maximum: number, usual: number) => ({
  type: 'integer',
  minimum: 1,
  maximum,
  description: `At most this many; ${usual} when not given.`,
})

/** The path of a run below the API. */
export const pathOf = (run: unknown): string => `/runs/${encodeURIComponent(String(run))}`
