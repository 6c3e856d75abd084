/** The data folder cannot be used; `message` says why, in one sentence for the person who starts the server. */
export class CannotOpenStore extends Error {
  override readonly name = 'CannotOpenStore'
  /** Another process holds the folder. */
  get isInUse(): boolean {
    return (
      this.cause instanceof Error && 'code' in this.cause && String(this.cause.code).startsWith('SQLITE_BUSY')
    )
  }
}
