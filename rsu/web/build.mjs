// Makes the files that the program serves: modules to one, minified, and each file as gzip beside it.
// The same sources give the same bytes on every machine, so that a test can tell stale ones; what
// could differ from one machine to another (esbuild, the packer) is pinned by package-lock.json.
//
//     npm ci && npm run build [-- FOLDER]      FOLDER is `dist` unless it is said

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { gzipSync } from "fflate";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "dist");
// Browsers of 2023 and later, as tablets and phones of today have them.
const target = ["chrome109", "firefox115", "safari16.4"];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

async function bundle(name) {
  const made = await build({
    entryPoints: [join(here, "src", name)], bundle: true, minify: true, format: "esm", charset: "utf8",
    legalComments: "none", target, write: false, logLevel: "warning",
  });
  return made.outputFiles[0].contents;
}

/** Without the spaces between lines, which no browser shows here. */
const tight = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean).join("\n") + "\n";
const bytesOf = (text) => new TextEncoder().encode(text);
const source = (name) => readFileSync(join(here, "src", name), "utf8");

const files = {
  "app.js": await bundle("app.js"),
  "style.css": await bundle("style.css"),
  "index.html": bytesOf(tight(source("index.html"))),
  "icon.svg": bytesOf(tight(source("icon.svg"))),
};
for (const [name, bytes] of Object.entries(files)) {
  const packed = gzipSync(bytes, { level: 9, mtime: 0 });
  // The last field of its head says on which system it was made: on none.
  packed[9] = 255;
  writeFileSync(join(out, name), bytes);
  writeFileSync(join(out, `${name}.gz`), packed);
  console.log(`${name}: ${bytes.length} bytes, as gzip ${packed.length}`);
}
