// Builds the page to dist/: index.html, and under dist/assets/ files whose names carry their hash.
// No script is inline, so that the page runs under `default-src 'self'`.
// A .gz beside each file lets the server send it without compressing anything itself.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

function gzipAssets(): Plugin {
  return {
    name: "gzip-assets",
    writeBundle({ dir }) {
      const assets = join(dir ?? "dist", "assets");
      for (const name of readdirSync(assets)) {
        const packed = gzipSync(readFileSync(join(assets, name)), { level: constants.Z_BEST_COMPRESSION });
        writeFileSync(join(assets, `${name}.gz`), packed);
      }
    },
  };
}

export default defineConfig({
  base: "/graphql/",
  plugins: [gzipAssets()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    emptyOutDir: true,
    // An inlined file is a data: address; a file of its own is cached for good.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The editor alone is larger than the default warning.
    chunkSizeWarningLimit: 8000,
    rolldownOptions: {
      onLog(level, log, report) {
        // "use client" in a dependency means nothing in a page without server components.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") {
          report(level, log);
        }
      },
    },
  },
  worker: { format: "es" },
});
