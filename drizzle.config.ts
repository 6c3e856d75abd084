import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: './apps/server/src/storage/sqlite/tables.ts',
  out: './drizzle',
})
