/** Milliseconds that pages and their charts are given before what can wait is loaded. */
const PAGES_FIRST = 1_500

/** Loads code that a page can do without at first; `undefined` where it cannot be had, as when the server is away. */
export async function afterDrawing<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  await new Promise((resolve) => setTimeout(resolve, PAGES_FIRST))
  return load().catch(() => undefined)
}

/** Milliseconds that a painted frame is given to reach the screen: on few processors other work would hold it up. */
const ON_SCREEN = 8

/** Runs when the next frame has been shown. A page that is not on the screen shows none: then it waits until it is. */
export function afterFrame(run: () => void): void {
  requestAnimationFrame(() => setTimeout(run, ON_SCREEN))
}
