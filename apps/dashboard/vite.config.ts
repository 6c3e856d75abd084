import adapter from '@sveltejs/adapter-static'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

/** Where `vite dev` finds a running server; `NORMWATCH_DEV_SERVER` names another one. */
const server = process.env['NORMWATCH_DEV_SERVER'] ?? 'http://127.0.0.1:4280'

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ fallback: 'index.html', precompress: true }),
      compilerOptions: { runes: true },
    }),
  ],
  server: {
    port: 4320,
    strictPort: true,
    proxy: { '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } } },
  },
})
