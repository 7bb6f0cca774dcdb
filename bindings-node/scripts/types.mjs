// Writes native/index.d.cts, the types of the native library, from what its build left; `--check` only compares.

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const here = resolve(import.meta.dirname, "..");
const file = join(here, "native", "index.d.cts");

/** Where the build of a profile leaves its type definitions, one JSON object per line. */
export function definitions(profile) {
  const target = process.env.CARGO_TARGET_DIR ?? resolve(here, "../target");
  return join(target, profile, "tenantry-node-types");
}

/** Writes the types found in `folder`. */
export function writeTypes(folder) {
  writeFileSync(file, render(folder));
}

function render(folder) {
  const lines = readFileSync(join(folder, "tenantry-node"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  // Documentation that came through a macro still has the quotes of a Rust literal.
  for (const line of lines) line.def = line.def.replaceAll(/\/\*\* r" (.*?) \*\//g, "/** $1 */");
  const classes = lines.filter((line) => line.kind === "struct").sort(byName).map((line) => {
    const members = lines.filter((other) => other.kind === "impl" && other.name === line.name).map((other) => other.def);
    return `${line.js_doc ?? ""}export declare class ${line.name} {\n${indent(members.join("\n"))}\n}\n`;
  });
  // Hooks of test builds are not part of the package.
  const functions = lines.filter((line) => line.kind === "fn" && !line.name.startsWith("_")).sort(byName);
  const names = new Set(lines.filter((line) => line.kind === "impl").flatMap((line) => line.def.match(/: ([A-Z]\w+)/g) ?? []));
  const own = new Set(lines.filter((line) => line.kind === "struct").map((line) => line.name));
  const inputs = [...names].map((name) => name.slice(2)).filter((name) => !own.has(name) && name !== "Promise").sort();
  return [
    "// Written by scripts/types.mjs from the Rust sources; do not edit.\n",
    `import type { ${inputs.join(", ")} } from "../src-ts/requests.js" with { "resolution-mode": "import" };\n`,
    ...classes,
    ...functions.map((line) => `${line.js_doc ?? ""}export declare ${line.def}\n`),
  ].join("\n");
}

function byName(a, b) {
  return a.name < b.name ? -1 : 1;
}

function indent(text) {
  return text.split("\n").filter((line) => line !== "").map((line) => `  ${line.trim()}`).join("\n");
}

if (process.argv[1] === import.meta.filename && process.argv.includes("--check")) {
  const built = ["debug", "release"].map(definitions).map((folder) => join(folder, "tenantry-node")).filter(existsSync);
  const newest = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (newest === undefined) throw new Error("nothing is built: run `node scripts/native.mjs` first");
  if (readFileSync(file, "utf8") !== render(join(newest, ".."))) {
    console.error("native/index.d.cts is stale: run `node scripts/native.mjs` and commit it");
    process.exit(1);
  }
}
