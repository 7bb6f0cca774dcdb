// What can go wrong: one class per family, the same words in both forms of a call.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import * as tenantry from "tenantry";

import { BENIGN, NO_SHELL, hooks, inMemory, withTenants } from "./helpers.mjs";

/** Both forms of a call fail alike. */
async function fails(family, code, call, promised) {
  const expected = (error) => {
    assert.ok(error instanceof tenantry[family], `${error}`);
    assert.ok(error instanceof tenantry.TenantryError && error instanceof Error);
    assert.deepEqual([error.name, error.kind, error.code], [family, family, code]);
    assert.notEqual(error.message, "");
    assert.ok(!error.message.includes("{"), error.message);
    return true;
  };
  assert.throws(call, expected);
  if (promised !== undefined) await assert.rejects(promised(), expected);
}

test("InvalidArgument", async () => {
  const { acme } = withTenants();
  const [guard, options] = [acme.guard, { mode: "off" }];
  await fails(
    "InvalidArgument",
    "mode_invalid",
    () => guard.evaluatePromptSync(BENIGN, options),
    () => guard.evaluatePrompt(BENIGN, options),
  );
  await fails("InvalidArgument", "policy_syntax", () => acme.policies.putSync("p", "permit maybe"));
});

test("NotFound", async () => {
  const { client } = withTenants();
  await fails(
    "NotFound",
    "scope_not_found",
    () => client.tenantSync("nobody", "prod"),
    () => client.tenant("nobody", "prod"),
  );
});

test("Conflict", async () => {
  const { accounts } = withTenants().client.admin;
  await fails("Conflict", "scope_exists", () => accounts.createSync("Acme"), () => accounts.create("ACME"));
});

test("RateLimited tells when to come back", async () => {
  const { acme } = withTenants();
  acme.limits.setSync({ id: "jobs", rate: 1, per: "hour", key: "custom" });
  await acme.limits.acquire("jobs", { key: "k" });
  await fails(
    "RateLimited",
    "limit_exceeded",
    () => acme.limits.acquireSync("jobs", { key: "k" }),
    () => acme.limits.acquire("jobs", { key: "k" }),
  );
  assert.throws(() => acme.limits.acquireSync("jobs", { key: "k" }), (error) => error.retryAfterMs > 1000);
});

test("Unauthenticated", async () => {
  await fails("Unauthenticated", "credential_unknown", () => inMemory({ apiKey: "nobody-issued-this" }));
});

test("PermissionDenied", async () => {
  const client = inMemory({ dev: true, apiKey: "k", accountId: "acme", projectId: "prod" });
  const { accounts } = client.admin;
  await fails("PermissionDenied", "outside_authority", () => accounts.listSync(), () => accounts.list());
});

test("Timeout", async () => {
  const { acme } = withTenants({ deadlineMs: 1 });
  acme.limits.setSync({ id: "line", rate: 1, per: "hour", onExceed: "queue", maxWaitMs: 10 });
  const call = () => acme.guard.evaluatePrompt(BENIGN.repeat(1000));
  const outcomes = await Promise.allSettled([call(), call(), call()]);
  const late = outcomes.find((outcome) => outcome.status === "rejected")?.reason;
  assert.ok(late instanceof tenantry.Timeout, `${late}`);
  assert.equal(late.code, "deadline_exceeded");
});

test("Unavailable and Data", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-node-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "file"), "");
  await fails("Unavailable", "data_dir_unavailable", () => new tenantry.Tenantry({ dataDir: join(folder, "file/x") }));
  await fails("Unavailable", "remote_unsupported", () => inMemory({ baseUrl: "https://example.test" }));
  const dataDir = join(folder, "data");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "catalog.db"), "this is no database ".repeat(1000));
  await fails("Data", "store_corrupt", () => new tenantry.Tenantry({ dataDir }).admin.accounts.listSync());
});

test("Internal: a panic never crosses, waiting, promising, or on the core's own threads", async () => {
  const { acme } = withTenants();
  acme.guard.evaluatePromptSync(BENIGN);
  const words = { name: "Internal", code: "internal", help: /report/ };
  hooks._panicNext();
  assert.throws(() => acme.guard.evaluatePromptSync(BENIGN), words);
  hooks._panicNext();
  await assert.rejects(acme.guard.evaluatePrompt(BENIGN), words);
  hooks._panicNext();
  await assert.rejects(acme.guard.evaluatePrompt(BENIGN.repeat(2000)), words);
  assert.ok(acme.guard.evaluatePromptSync(BENIGN).allowed);
});

test("a closed client says so, and so does every handle of it", async () => {
  const { client, acme } = withTenants();
  const { guard } = acme;
  client.closeSync();
  await fails(
    "InvalidArgument",
    "client_closed",
    () => guard.evaluatePromptSync(BENIGN),
    () => guard.evaluatePrompt(BENIGN),
  );
  await fails("InvalidArgument", "client_closed", () => acme.audit.headSync(), () => acme.audit.head());
  await fails("InvalidArgument", "client_closed", () => client.tenantSync("acme", "prod"));
});

test("an error reads well and keeps its message apart", () => {
  const error = new tenantry.NotFound("nothing here", { code: "scope_not_found", help: "look elsewhere" });
  assert.equal(error.message, "nothing here");
  assert.equal(String(error), "NotFound: nothing here (scope_not_found); look elsewhere");
  assert.match(error.stack, /^NotFound: nothing here/);
  assert.ok(!("retryAfterMs" in error) && !("cause" in error));
});

test("BlockedError carries the response", () => {
  const { acme } = withTenants();
  acme.policies.putSync("tools", NO_SHELL);
  const response = acme.guard.evaluateToolCallSync("shell");
  const error = new tenantry.BlockedError(response);
  assert.equal(error.response, response);
  assert.equal(error.code, "deny");
  assert.match(error.message, /^blocked: /);
});

test("what only looks like an error of ours stays as it is", () => {
  const { acme } = withTenants();
  for (const kind of ["constructor", "toString", "Nothing"]) {
    const mine = new Error(JSON.stringify({ kind, message: "m" }));
    assert.throws(() => acme.guard.evaluatePromptSync(BENIGN, { get mode() { throw mine; } }), (error) => error === mine);
  }
});

test("every family is a class of its own", () => {
  const families = Object.entries(tenantry).filter(([, value]) => value.prototype instanceof tenantry.TenantryError);
  assert.deepEqual(families.map(([name]) => name).sort(), [
    "BlockedError", "Cancelled", "Conflict", "Data", "Internal", "InvalidArgument", "NotFound", "PermissionDenied",
    "QuotaExceeded", "RateLimited", "Timeout", "Unauthenticated", "Unavailable",
  ]);
  for (const [name, family] of families) assert.equal(family.name, name);
});
