import { SCOPES } from './projects.ts'
import { Type } from './schema.ts'

export const ScopeSchema = Type.Enum(SCOPES)

/** The most names and patterns of one grant. */
export const MAX_GRANT_PROJECTS = 32

/** Up to four stars; a backslash makes a star, or a backslash, an ordinary character. */
const PATTERN =
  '^(?:[^\\u0000-\\u001f\\ud800-\\udfff/*\\\\]|\\\\[*\\\\])*(?:\\*(?:[^\\u0000-\\u001f\\ud800-\\udfff/*\\\\]|\\\\[*\\\\])*){0,4}$'

/** A project's name, or a pattern of names. */
export const ProjectPatternSchema = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: PATTERN,
  description: 'Name of a project, or a pattern in which * stands for any characters: `vision-*`.',
})
export const ProjectPatternsSchema = Type.Array(ProjectPatternSchema, {
  minItems: 1,
  maxItems: MAX_GRANT_PROJECTS,
  uniqueItems: true,
})

export const GrantSchema = Type.Object({
  scope: ScopeSchema,
  projects: Type.Union([
    Type.Literal('all', { description: 'Every project, and what concerns the whole server.' }),
    Type.Array(Type.String()),
  ]),
})
