/** Parameters of a question; a list repeats its name, what is `undefined` is left out. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** Asks the API with the rights of whoever uses the tool: the reply to `GET /api/v1{path}`. Rejects with a sentence for people. */
export type Ask = <T>(path: string, query?: Query) => Promise<T>

/** A question that a program may ask. It only reads: `Ask` knows no other verb. */
export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Of the arguments, as JSON Schema; others are refused before `answer` is called. */
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[]
  /** What is told, as JSON; bounded whatever the runs hold. */
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
  description: `At most so many; ${usual} when not given.`,
})

/** The path of a run below the API. */
export const pathOf = (run: unknown): string => `/runs/${encodeURIComponent(String(run))}`
