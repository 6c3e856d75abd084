/** The data folder cannot be used; `message` says why, in one sentence for the person who starts the server. */
export class CannotOpenStore extends Error {
  override readonly name = 'CannotOpenStore'
}
