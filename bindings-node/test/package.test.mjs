// The package as users get it: both module formats, types, documentation, and what is in it.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

import * as esm from "tenantry";

import { PACKAGE, emptyFolder, execute, run } from "./helpers.mjs";

const require = createRequire(import.meta.url);
const compiler = join(PACKAGE, "node_modules/typescript/bin/tsc");
const { triple } = require("../native/platform.cjs");

test("both formats offer the same classes", () => {
  const cjs = require("tenantry");
  for (const [name, value] of Object.entries(cjs)) assert.equal(esm[name], value, name);
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
  for (const { Tenantry, InvalidArgument, TenantryError } of [cjs, esm]) {
    const client = new Tenantry({ inMemory: true, dev: true, accountId: "a", projectId: "p", deadlineMs: 10_000 });
    assert.ok(client.guard.evaluatePromptSync("hello").allowed);
    assert.throws(() => client.guard.evaluatePromptSync(5), InvalidArgument);
    assert.throws(() => client.guard.evaluatePromptSync(5), TenantryError);
  }
  assert.ok(require("tenantry/compat/highflame").Highflame);
});

test("the library's name is found without asking for anybody's name", async (context) => {
  const source = `
    process.report.getReport = () => { throw new Error("reported"); };
    await import("tenantry");`;
  const { code, output } = await run(emptyFolder(context), "report.mjs", source);
  assert.deepEqual([code, output], [0, ""]);
});

test("types need no types of Node's", async (context) => {
  const folder = emptyFolder(context);
  for (const name of ["a.mts", "b.cts"]) {
    const source = `import { Shield, Tenantry } from "tenantry";\nimport { Highflame, ZeroIDClient } from "tenantry/compat/highflame";
      export const all = [Shield, Tenantry, Highflame, ZeroIDClient];`;
    writeFileSync(join(folder, name), source);
  }
  const compilerOptions = { module: "NodeNext", target: "ES2022", lib: ["ES2022"], types: [], strict: true, noEmit: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const { code, output } = await execute([compiler, "-p", folder], folder);
  assert.deepEqual([code, output], [0, ""]);
});

test("nothing private can be imported", async (context) => {
  const { code, output } = await run(emptyFolder(context), "private.mjs", `import "tenantry/native/index.cjs";`);
  assert.equal(code, 1);
  assert.match(output, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

for (const [name, settings] of [
  ["node", { module: "NodeNext" }],
  ["a bundler", { module: "ESNext", moduleResolution: "Bundler" }],
]) {
  test(`types, as ${name} finds them`, async (context) => {
    const folder = emptyFolder(context);
    mkdirSync(join(folder, "node_modules/@types"));
    cpSync(join(PACKAGE, "node_modules/@types/node"), join(folder, "node_modules/@types/node"), { recursive: true });
    cpSync(join(PACKAGE, "node_modules/undici-types"), join(folder, "node_modules/undici-types"), { recursive: true });
    cpSync(join(PACKAGE, "test/types/example.ts"), join(folder, "example.mts"));
    cpSync(join(PACKAGE, "test/types/example.ts"), join(folder, "example.cts"));
    const compilerOptions = {
      ...settings,
      target: "ES2022",
      lib: ["ES2022", "ESNext.Disposable"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
    };
    const include = name === "node" ? ["example.mts", "example.cts"] : ["example.mts"];
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
    const { code, output } = await execute([compiler, "-p", folder], folder);
    assert.deepEqual([code, output], [0, ""]);
  });
}

test("the types of the native library are not stale", async () => {
  const { code, output } = await execute([join(PACKAGE, "scripts/types.mjs"), "--check"], PACKAGE);
  assert.deepEqual([code, output], [0, ""]);
});

test("there is no `any` and no registry's name", () => {
  for (const format of ["esm", "cjs"]) {
    const names = readdirSync(join(PACKAGE, format), { recursive: true }).filter((name) => name.endsWith(".d.ts"));
    assert.ok(names.length > 20);
    for (const name of names) {
      const types = readFileSync(join(PACKAGE, format, name), "utf8").replace(/\/\*\*.*?\*\//gs, "");
      assert.doesNotMatch(types, /\bany\b/, name);
    }
  }
  assert.doesNotMatch(readFileSync(join(PACKAGE, "package-lock.json"), "utf8"), /https?:|"resolved"/);
});

test("a missing library is told with the platform and what was tried", async (context) => {
  const folder = emptyFolder(context);
  rmSync(join(folder, "node_modules/tenantry"));
  for (const part of ["package.json", "esm", "cjs", "native/index.cjs", "native/platform.cjs"]) {
    cpSync(join(PACKAGE, part), join(folder, "node_modules/tenantry", part), { recursive: true });
  }
  const { code, output } = await run(folder, "missing.mjs", `import "tenantry";`);
  assert.equal(code, 1);
  assert.ok(output.includes(`no working native library for ${triple()}`), output);
  assert.ok(output.includes(`tenantry.${triple()}.node`), output);
});

const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");
const use = readme.split(/^## /m).find((section) => section.startsWith("Use\n")) ?? "";
const blocks = [...use.matchAll(/```(js|ts)\n(.*?)```/gs)];

test("the page has its four sections", () => {
  assert.deepEqual([...readme.matchAll(/^## (.*)$/gm)].map(([, title]) => title), ["Install", "Use", "Develop", "Test"]);
  assert.ok(blocks.length >= 3);
});

test("the blocks of the page run in order in one empty folder", async (context) => {
  const folder = emptyFolder(context);
  for (const [number, [, language, source]] of blocks.entries()) {
    let name = `block-${number}.mjs`;
    if (language === "ts") {
      writeFileSync(join(folder, `block-${number}.mts`), source);
      const options = ["--module", "NodeNext", "--target", "ES2022", "--lib", "ES2022,ESNext.Disposable", "--strict"];
      const types = ["--typeRoots", join(PACKAGE, "node_modules/@types"), "--types", "node"];
      const compiled = await execute([compiler, ...options, ...types, `block-${number}.mts`], folder);
      assert.deepEqual([compiled.code, compiled.output], [0, ""]);
      name = `block-${number}.mjs`;
    } else {
      writeFileSync(join(folder, name), source);
    }
    const { code, output } = await execute([name], folder, { TENANTRY_DEADLINE_MS: "10000" });
    assert.deepEqual([code, output], [0, ""], source);
  }
});
