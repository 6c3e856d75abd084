import type { Run, SettingsOverrides, SettingsReply } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'

/** Who settings belong to, a run or a project, and where they are read and put. */
export interface SettingsOwner {
  readonly kind: 'run' | 'project'
  readonly project: string
  /** The overrides of its own, and those of the project above it: none above a project. */
  readonly load: () => Promise<{ readonly own: SettingsOverrides; readonly above: SettingsOverrides }>
  readonly save: (overrides: SettingsOverrides) => Promise<SettingsReply>
}

export function settingsOfRun(api: Api, { id, project }: Pick<Run, 'id' | 'project'>): SettingsOwner {
  return {
    kind: 'run',
    project,
    load: async () => {
      const [own, above] = await Promise.all([api.runSettings(id), api.projectSettings(project)])
      return { own: own.overrides, above: above.overrides }
    },
    save: (overrides) => api.putRunSettings(id, overrides),
  }
}

export function settingsOfProject(api: Api, project: string): SettingsOwner {
  return {
    kind: 'project',
    project,
    load: async () => ({ own: (await api.projectSettings(project)).overrides, above: {} }),
    save: (overrides) => api.putProjectSettings(project, overrides),
  }
}
