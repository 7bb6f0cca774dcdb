// Shared by the tests: texts to send, clients to send them with, and programs of their own.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { Tenantry } from "tenantry";

// Known to every process of a test, so that none looks for a key in the user's home.
for (const name of Object.keys(process.env)) if (name.startsWith("TENANTRY_")) delete process.env[name];
process.env.TENANTRY_ROOT_KEY = "5a".repeat(32);

export const BENIGN = "What is the capital of France?";
export const SECRET = "deploy with AKIAIOSFODNN7EXAMPLE please";
export const EMAIL = "write to ada@example.com today";
export const REDACTED = "write to [EMAIL] today";
export const NO_SHELL = `
@id("no-shell")
forbid (principal, action == Action::"call_tool", resource)
when { context.tool_name == "shell" };
`;

export const PACKAGE = resolve(import.meta.dirname, "..");

/** The hooks of a test build; never in a published package. */
export const hooks = createRequire(import.meta.url)("../native/index.cjs");

/** A client in memory. The suite shares its cores: the default deadline is for production. */
export function inMemory(options = {}) {
  return new Tenantry({ inMemory: true, deadlineMs: 10_000, ...options });
}

/** A client with the projects acme/prod and globex/prod, and the handle of the first. */
export function withTenants(options = {}) {
  const client = inMemory(options);
  for (const account of ["acme", "globex"]) {
    client.admin.accounts.createSync(account);
    client.admin.projects.createSync(account, "prod");
  }
  return { client, acme: client.tenantSync("acme", "prod"), globex: client.tenantSync("globex", "prod") };
}

/** A folder that is empty but for the installed package; gone after the test. */
export function emptyFolder(test) {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-node-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(PACKAGE, join(folder, "node_modules", "tenantry"), "dir");
  return folder;
}

/** Runs a program in a folder of its own: its exit code and all it printed. */
export async function run(folder, name, source, environment = {}) {
  const file = join(folder, name);
  writeFileSync(file, source);
  return execute([file], folder, environment);
}

/** Runs Node with arguments. */
export function execute(args, cwd, environment = {}) {
  return new Promise((resolved, rejected) => {
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...environment }, timeout: 120_000 });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", rejected);
    child.on("close", (code, signal) => resolved({ code, signal, output }));
  });
}
