// Writes native/index.d.cts, the types of the native library, from what its build left; `--check` only compares.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const here = resolve(import.meta.dirname, "..");
const file = join(here, "native", "index.d.cts");

/** Where the compiler leaves the types, one JSON object per line: NAPI_TYPE_DEF_TMP_FOLDER in .cargo/config.toml. */
export const definitions = resolve(here, "../target/tenantry-node-types/tenantry-node");

/** Writes what the last build left. */
export function writeTypes() {
  writeFileSync(file, render());
}

function render() {
  const lines = readFileSync(definitions, "utf8").trim().split("\n").map((line) => JSON.parse(line));
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
  if (!existsSync(definitions)) throw new Error("nothing is built: run `node scripts/native.mjs` first");
  if (readFileSync(file, "utf8") !== render()) {
    console.error("native/index.d.cts is stale: run `node scripts/native.mjs` and commit it");
    process.exit(1);
  }
}
