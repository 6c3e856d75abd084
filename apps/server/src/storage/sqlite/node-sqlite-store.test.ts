/** The whole suite of the store once more, on Node's own SQLite. */
import { useDriver } from './engine/database.ts'

useDriver('node:sqlite')
await import('./sqlite-store.test.ts')
