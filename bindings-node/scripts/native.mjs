// Builds the native library and puts it beside the package: `node scripts/native.mjs [--release] [--hooks]`.
// `--hooks` adds what tests need and is never published. Set CARGO_TARGET_DIR to build elsewhere than in ../target.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync, utimesSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { definitions, writeTypes } from "./types.mjs";

const { triple } = createRequire(import.meta.url)("../native/platform.cjs");
const { values } = parseArgs({ options: { release: { type: "boolean" }, hooks: { type: "boolean" } } });

const here = resolve(import.meta.dirname, "..");
const target = process.env.CARGO_TARGET_DIR ?? resolve(here, "../target");
const profile = values.release ? "release" : "debug";
// The compiler writes the types when it compiles the crate, and so has to do that where they are missing.
if (!existsSync(definitions)) {
  mkdirSync(dirname(definitions), { recursive: true });
  utimesSync(join(here, "src", "lib.rs"), new Date(), new Date());
}

const cargo = ["build", "--manifest-path", join(here, "Cargo.toml"), "--package", "tenantry-node"];
if (values.release) cargo.push("--release");
if (values.hooks) cargo.push("--features", "test-hooks");
execFileSync("cargo", cargo, { stdio: "inherit" });

const library = { darwin: "libtenantry_node.dylib", win32: "tenantry_node.dll" }[process.platform] ?? "libtenantry_node.so";
const place = join(here, "native", `tenantry.${triple()}.node`);
// Renamed into place: a process that has the old one loaded keeps it.
copyFileSync(join(target, profile, library), `${place}.new`);
renameSync(`${place}.new`, place);
writeTypes();
console.log(place);
