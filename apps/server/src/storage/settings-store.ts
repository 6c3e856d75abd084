/** Whose detection settings: those of a project hold for its runs, those of a run override them. */
export type SettingsScope = { readonly project: string } | { readonly run: string }

/** Overrides of the detector's settings, plain JSON: what they mean is not the store's to know. */
export interface SettingsStore {
  /** The overrides kept; `{}` where there are none. Throws `RunNotFound`. */
  get(scope: SettingsScope): Promise<Overrides>
  /**
   * Puts these overrides in place of the former ones. They go with their run. Where several servers share the data, each run
   * concerned gets a new version and is to be judged again, so that no server judges on by the former ones. Throws `RunNotFound`.
   */
  put(scope: SettingsScope, overrides: Overrides): Promise<void>
}
export type Overrides = Readonly<Record<string, Readonly<Record<string, number | boolean>>>>
