// Compiles src-ts/ into cjs/, for `require`, and writes esm/, for `import`: types, and modules that hand on what cjs/ has,
// so that a process that uses both has one set of classes.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const here = resolve(import.meta.dirname, "..");
const compiler = join(here, "node_modules", "typescript", "bin", "tsc");
for (const [format, type] of [["esm", "module"], ["cjs", "commonjs"]]) {
  rmSync(join(here, format), { recursive: true, force: true });
  execFileSync(process.execPath, [compiler, "-p", join(here, `tsconfig.${format}.json`)], { stdio: "inherit" });
  writeFileSync(join(here, format, "package.json"), `${JSON.stringify({ type })}\n`);
}

const require = createRequire(import.meta.url);
for (const name of ["index", "compat/highflame"]) {
  const up = name.includes("/") ? "../.." : "..";
  const names = Object.keys(require(join(here, "cjs", `${name}.js`))).sort();
  const lines = [`import cjs from "${up}/cjs/${name}.js";\n`, "export const {", ...names.map((one) => `  ${one},`), "} = cjs;"];
  writeFileSync(join(here, "esm", `${name}.js`), `${lines.join("\n")}\n`);
}
