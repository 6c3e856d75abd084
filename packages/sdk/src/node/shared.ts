/**
 * State that all copies of this package in a thread share. A program may load several: two versions, or one of them bundled.
 * `name` must change if the state's form changes.
 */
export function sharedByCopies<T>(name: string, make: () => T): T {
  const key = Symbol.for(`normwatch ${name}`)
  const all = globalThis as Record<symbol, unknown>
  const state = (all[key] as T | undefined) ?? make()
  // does nothing if the global object is frozen
  Reflect.set(all, key, state)
  return state
}
