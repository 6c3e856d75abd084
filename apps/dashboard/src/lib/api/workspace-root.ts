import { createCaller } from '#lib/api/caller.ts'
import { API_ROOT, leadingToSignIn } from '#lib/api/root.ts'
import { createWorkspaceApi } from '#lib/api/workspace.ts'

export const workspaceApi = createWorkspaceApi(API_ROOT, createCaller(API_ROOT, leadingToSignIn))
