// Accounts and projects that are ensured, limits of an action, and the trail from its end.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conflict, InvalidArgument, NotFound } from "tenantry";

import { BENIGN, withTenants } from "./helpers.mjs";

test("ensure creates once and gives the same again", async () => {
  const { client } = withTenants();
  const { accounts, projects } = client.admin;
  const made = accounts.ensureSync("initech", { tier: "gold", labels: ["a", "b"] });
  assert.deepEqual(await accounts.ensure("initech"), made);
  assert.deepEqual(accounts.ensureSync("initech", { tier: "gold", labels: ["b", "a"] }), made);
  const project = await projects.ensure("initech", "prod", { region: "eu" });
  assert.deepEqual(projects.ensureSync("initech", "prod"), project);
  for (const differ of [{ tier: "free" }, { plan: "yearly" }, { region: "us" }, { labels: ["a"] }]) {
    assert.throws(
      () => accounts.ensureSync("initech", differ),
      (error) => error instanceof Conflict && error.code === "facts_differ" && error.help.includes(Object.keys(differ)[0]),
    );
    await assert.rejects(accounts.ensure("initech", differ), Conflict);
  }
  assert.throws(() => projects.ensureSync("initech", "prod", { region: "us" }), Conflict);
  assert.throws(() => accounts.createSync("initech"), (error) => error.code === "scope_exists");
  await assert.rejects(projects.ensure("nobody", "prod"), NotFound);
  await assert.rejects(accounts.ensure("initech", { odd: 1 }), InvalidArgument);
  await assert.rejects(accounts.ensure(undefined), InvalidArgument);
  const rows = client.tenantSync("initech", "prod").audit.querySync();
  assert.deepEqual(rows.map((row) => [row.kind, row.body.by]), [["project.create", "process"]]);
});

test("many that ensure at once all succeed", async () => {
  const { client } = withTenants();
  const one = async () => {
    const account = await client.admin.accounts.ensure("initech", { tier: "gold" });
    return [account.uid, (await client.admin.projects.ensure("initech", "prod")).uid].join();
  };
  assert.equal(new Set(await Promise.all(Array.from({ length: 20 }, one))).size, 1);
});

test("a limit of an action counts its calls alone", () => {
  const { acme } = withTenants();
  acme.limits.setSync({ id: "prompts", rate: 1, per: "day", action: "process_prompt" });
  assert.deepEqual(acme.limits.listSync().map((limit) => limit.action), ["process_prompt"]);
  for (let n = 0; n < 3; n += 1) assert.ok(acme.guard.evaluateToolCallSync("search", {}).allowed);
  const codes = [1, 2].map(() => acme.guard.evaluatePromptSync(BENIGN).code);
  assert.deepEqual(codes, [undefined, "limit_exceeded"]);
  acme.limits.setSync({ id: "all", rate: 9, per: "day", action: null });
  assert.deepEqual(acme.limits.listSync().map((limit) => limit.action), ["", "process_prompt"]);
  for (const action of ["prompts", "Process_Prompt", " call_tool", ["process_prompt"], 7]) {
    assert.throws(() => acme.limits.setSync({ id: "odd", rate: 1, per: "day", action }), InvalidArgument);
  }
});

test("the newest rows first", async () => {
  const { acme } = withTenants();
  for (let n = 0; n < 4; n += 1) acme.guard.evaluatePromptSync(BENIGN);
  const oldest = acme.audit.querySync().map((row) => row.sequence);
  const told = (options) => acme.audit.querySync(options).map((row) => row.sequence);
  const newest = oldest.toReversed?.() ?? [...oldest].reverse();
  assert.deepEqual(told({ order: "newest" }), newest);
  assert.deepEqual(told({ order: "newest", limit: 2 }), newest.slice(0, 2));
  assert.deepEqual(told({ order: "newest", limit: 2, before: newest[1] }), newest.slice(2, 4));
  assert.deepEqual(told({ order: "newest", since: oldest[1] }), newest.slice(0, -2));
  assert.deepEqual(told({ order: "oldest", before: oldest[2] }), oldest.slice(0, 2));
  assert.deepEqual(told({ order: null, before: null }), oldest);
  assert.deepEqual((await acme.audit.query({ order: "newest", limit: 1 })).map((row) => row.sequence), newest.slice(0, 1));
  for (const odd of [{ order: "latest" }, { order: "" }, { before: -1 }, { before: "x" }, { order: 1 }]) {
    assert.throws(() => acme.audit.querySync(odd), InvalidArgument);
  }
});
