/** Work that failed for a reason outside the program; `message` explains it to the user. Exit code 1. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
}

/** The command line is wrong; the message says what. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The server did not answer, or refused the request. */
export class ServerError extends Failure {
  override readonly name = 'ServerError'
  /** HTTP status of the refusal; `undefined` when there was no answer. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}
