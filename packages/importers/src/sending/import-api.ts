/** The server's API as an import uses it, below `/api/v1`. Refusals are thrown; a server that is busy is asked again. */
export interface ImportApi {
  /** The reply to a GET, or `undefined` where there is nothing (404). */
  find<Reply>(path: string): Promise<Reply | undefined>
  /** The reply to a request with a body of JSON, as text or as its UTF-8 bytes. */
  send<Reply>(
    method: 'PUT' | 'POST' | 'PATCH',
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
  ): Promise<Reply>
  /** Deletes; `false` where the caller may not (403). */
  remove(path: string): Promise<boolean>
}
