import type { Settlement } from './alert-store.ts'

/** Results of an attempt to deliver. */
export const taken: Settlement = {
  state: 'sent',
  due_at: null,
  status: 204,
  error: null,
  response: 'thanks',
  disable: null,
}
export const refused = (due_at: number): Settlement => ({
  state: 'pending',
  due_at,
  status: 500,
  error: 'The receiver answered 500.',
  response: 'oops',
  disable: null,
})
export const failed: Settlement = { ...refused(0), state: 'failed', due_at: null }
