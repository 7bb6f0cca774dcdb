// Every way TypeScript and Node have of finding a module finds this package's, types and all.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { PACKAGE, emptyFolder, execute } from "./helpers.mjs";

const modern = join(PACKAGE, "node_modules/typescript/bin/tsc");
// The last that knows the ways of before `exports`.
const former = join(PACKAGE, "node_modules/typescript-5/bin/tsc");

const source = `
  import { Tenantry, type GuardResponse } from "tenantry";
  import { Highflame, Shield, ZeroIDClient } from "tenantry/compat/highflame";

  const client: Tenantry = new Tenantry({ inMemory: true, dev: true, accountId: "a", projectId: "p", deadlineMs: 10_000 });
  const answer: GuardResponse = client.guard.evaluatePromptSync("hello");
  const other = new Highflame({ apiKey: "key", accountId: "a", projectId: "p" });
  const wrapped: (text: string) => Promise<string> = new Shield(other).prompt(async (text: string) => text);
  // @ts-expect-error these are types, and no \`any\`
  const wrong: number = answer.decision;
  // @ts-expect-error and so are those
  new Highflame({ apiKey: 5 });
  void [wrapped, wrong, ZeroIDClient];
  console.log(answer.decision, typeof Highflame, typeof ZeroIDClient);
`;
const runnable = source.replace(/  \/\/ @ts-expect-error.*\n.*\n/g, "").replace("wrong, ", "");

const ways = [
  ["node10", former, { module: "CommonJS", moduleResolution: "node10" }, "cts", true],
  ["node", former, { module: "CommonJS", moduleResolution: "node" }, "ts", true],
  ["node10 for ES modules", former, { module: "ES2022", moduleResolution: "node10" }, "ts", false],
  ["node16", former, { module: "Node16", moduleResolution: "node16" }, "mts", true],
  ["node16 for CommonJS", former, { module: "Node16", moduleResolution: "node16" }, "cts", true],
  ["nodenext of before", former, { module: "NodeNext", moduleResolution: "nodenext" }, "mts", true],
  ["bundler of before", former, { module: "ESNext", moduleResolution: "bundler" }, "mts", true],
  ["nodenext", modern, { module: "NodeNext", moduleResolution: "nodenext" }, "mts", true],
  ["nodenext for CommonJS", modern, { module: "NodeNext", moduleResolution: "nodenext" }, "cts", true],
  ["node16, now", modern, { module: "Node16", moduleResolution: "node16" }, "mts", true],
  ["bundler", modern, { module: "ESNext", moduleResolution: "bundler" }, "mts", true],
  ["bundler for CommonJS", modern, { module: "CommonJS", moduleResolution: "bundler" }, "cts", true],
];

for (const [way, compiler, settings, extension, runs] of ways) {
  test(`as ${way} finds it`, async (context) => {
    const folder = emptyFolder(context);
    mkdirSync(join(folder, "node_modules/@types"));
    for (const name of ["@types/node", "undici-types"]) {
      cpSync(join(PACKAGE, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
    }
    const shared = { target: "ES2022", lib: ["ES2022", "ESNext.Disposable"], types: ["node"], strict: true, skipLibCheck: false };
    const build = async (text, more) => {
      writeFileSync(join(folder, `program.${extension}`), text);
      const compilerOptions = { ...shared, ...settings, ...more };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: [`program.${extension}`] }));
      return execute([compiler, "-p", folder], folder);
    };
    const checked = await build(source, { noEmit: true });
    assert.deepEqual([checked.code, checked.output], [0, ""]);
    if (!runs) return;
    const built = await build(runnable, {});
    assert.deepEqual([built.code, built.output], [0, ""]);
    const program = `program.${extension.replace("ts", "js")}`;
    const { code, output } = await execute([program], folder, { TENANTRY_DEV: "1" });
    assert.deepEqual([code, output], [0, "allow function function\n"]);
  });
}

test("at run time it is found by import, require, and the file a resolver without `exports` finds", async (context) => {
  const folder = emptyFolder(context);
  const program = `
    const { createRequire } = require("node:module");
    const { join } = require("node:path");
    const { main } = require(${JSON.stringify(join(PACKAGE, "compat/highflame/package.json"))});
    const direct = require(join(${JSON.stringify(join(PACKAGE, "compat/highflame"))}, main));
    const required = require("tenantry/compat/highflame");
    import("tenantry/compat/highflame").then((imported) => {
      console.log(required.Highflame === imported.Highflame, direct.Highflame === required.Highflame);
    });`;
  writeFileSync(join(folder, "program.cjs"), program);
  const { code, output } = await execute(["program.cjs"], folder);
  assert.deepEqual([code, output], [0, "true true\n"]);
});
