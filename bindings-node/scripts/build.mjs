// Compiles src-ts/ twice, for `import` and for `require`, into esm/ and cjs/.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const here = resolve(import.meta.dirname, "..");
const compiler = join(here, "node_modules", "typescript", "bin", "tsc");
for (const [format, type] of [["esm", "module"], ["cjs", "commonjs"]]) {
  rmSync(join(here, format), { recursive: true, force: true });
  execFileSync(process.execPath, [compiler, "-p", join(here, `tsconfig.${format}.json`)], { stdio: "inherit" });
  writeFileSync(join(here, format, "package.json"), `${JSON.stringify({ type })}\n`);
}
