export const RUN_STATUSES = ['running', 'finished', 'failed', 'preempted'] as const
export const HEALTHS = ['ok', 'watch', 'flagged', 'unknown'] as const
