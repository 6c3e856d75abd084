/** Milliseconds that pages and their charts are given before what can wait is loaded. */
const PAGES_FIRST = 1_500

/** Loads code that a page can do without at first; `undefined` where it cannot be had, as when the server is away. */
export async function afterDrawing<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  await new Promise((resolve) => setTimeout(resolve, PAGES_FIRST))
  return load().catch(() => undefined)
}
