// The public client's page, run with nothing but its import line changed, and what its reference shows of the rest.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import { RateLimited, Tenantry, TenantryError } from "tenantry";
import * as highflame from "tenantry/compat/highflame";

import { BENIGN, EMAIL, NO_SHELL, PACKAGE, REDACTED, emptyFolder, run } from "./helpers.mjs";

const { Highflame, Shield, ZeroIDClient } = highflame;
const page = readFileSync(join(PACKAGE, "test/data/highflame-multi-tenancy.md"), "utf8");
const blocks = [...page.matchAll(/```typescript\n(.*?)```/gs)].map(([, block]) => block);

test("the page's block runs", async (context) => {
  assert.equal(blocks.length, 1);
  const source = blocks[0].replace('"@highflame/sdk"', '"tenantry/compat/highflame"');
  assert.notEqual(source, blocks[0]);
  const more = `
    const response = await client.guard.evaluatePrompt("hello", { debug: true });
    console.log(response.decision, response.debug_info.tenant.account_id, response.debug_info.tenant.project_id);`;
  const { code, output } = await run(emptyFolder(context), "block.mjs", source + more, { TENANTRY_DEV: "1" });
  assert.deepEqual([code, output], [0, "allow acc_tenant_a proj_prod\n"]);
});

test("without dev mode a key nobody issued is refused", async (context) => {
  const source = blocks[0].replace("@highflame/sdk", "tenantry/compat/highflame");
  const { code, output } = await run(emptyFolder(context), "block.mjs", source);
  assert.equal(code, 1);
  assert.match(output, /Unauthenticated: /);
});

test("the client acts in its project and no other; what shapes HTTP is taken", async (context) => {
  const dataDir = join(emptyFolder(context), "data");
  Object.assign(process.env, { TENANTRY_DEV: "1", TENANTRY_DATA_DIR: dataDir });
  context.after(() => { delete process.env.TENANTRY_DEV; delete process.env.TENANTRY_DATA_DIR; });
  const defaultHeaders = { "X-Tenant-Tier": "gold" };
  const options = { accountId: "acc_a", projectId: "prod", timeout: 10_000.4, maxRetries: 0, defaultHeaders };
  const client = new Highflame({ accessToken: "token", tokenUrl: "https://example.test", ...options });
  assert.ok((await client.guard.evaluate({ content: BENIGN })).allowed);
  await assert.rejects(client.tenantry.tenant("acc_b", "prod"), highflame.HighflameError);

  const shield = new Shield(client);
  const mode = "modify";
  assert.equal(await shield.prompt((_, text) => text, { mode, contentArg: 1, optimize: true })(1, EMAIL), REDACTED);
  assert.deepEqual(await shield.tool((fields) => fields, { mode, toolName: "mail" })({ to: EMAIL }), { to: REDACTED });
  assert.equal(await shield.toolresponse(() => EMAIL, { mode, toolName: "mail" })(), REDACTED);
  assert.equal(await shield.modelresponse(() => EMAIL, { mode })(), REDACTED);
  await client.close();
});

function devClient(context) {
  let client;
  // Before its folder goes.
  context.after(() => client.close());
  const dataDir = join(emptyFolder(context), "data");
  Object.assign(process.env, { TENANTRY_DEV: "1", TENANTRY_DATA_DIR: dataDir });
  client = new Highflame({ apiKey: "k", accountId: "acc_a", projectId: "prod", timeout: 10_000 });
  delete process.env.TENANTRY_DEV;
  delete process.env.TENANTRY_DATA_DIR;
  return client;
}

test("requests and responses are the wire's", async (context) => {
  const { guard, tenantry } = devClient(context);
  const response = await guard.evaluate({
    content: EMAIL,
    content_type: "prompt",
    action: "process_prompt",
    session_id: "s",
    mode: "modify",
    model: { provider: "p", max_tokens: 5, cache_write_1h_tokens: 1 },
    metadata: { some_key: { inner_key: 1 } },
    debug: true,
  });
  assert.deepEqual([response.decision, response.allowed, response.denied], ["modify", true, false]);
  assert.deepEqual([response.redacted_content, response.session_delta.turn_count], [REDACTED, 1]);
  assert.equal(typeof response.latency_ms, "number");
  assert.equal(response.signals[0].category, "privacy");
  assert.equal(response.debug_info.tenant.account_id, "acc_a");
  assert.equal((await guard.evaluatePrompt(BENIGN, { session_id: "s" })).session_delta.turn_count, 2);
  assert.equal((await guard.evaluatePrompt(BENIGN, { sessionId: "s" })).session_delta.turn_count, 3);
  await tenantry.policies.put("tools", NO_SHELL);
  const denied = await guard.evaluateToolCall("shell", { some_key: "ls" });
  assert.deepEqual([denied.decision, denied.denied], ["deny", true]);
  assert.ok(denied.policy_reason.length > 0);
  assert.equal(denied.determining_policies[0].rule_id, "no-shell");
  const twice = { content: BENIGN, session_id: "s", sessionId: "t" };
  await assert.rejects(guard.evaluate(twice), { name: "InvalidArgument", code: "request_invalid" });
  await assert.rejects(guard.evaluate({ content: BENIGN, typo: 1 }), { code: "request_invalid" });
});

test("the wrappers take what the public ones take", async (context) => {
  const client = devClient(context);
  await client.tenantry.policies.put("tools", NO_SHELL);
  const shield = new Shield(client);
  const calls = [];
  const shell = shield.tool(async function shell(cmd) { calls.push(cmd); });
  await assert.rejects(shell("ls"), (error) => {
    assert.ok(error instanceof highflame.BlockedError && error.name === "BlockedError");
    assert.equal(error.response.determining_policies[0].rule_id, "no-shell");
    return true;
  });
  assert.deepEqual(calls, []);
  const mail = shield.tool(async (to, text) => [to, text], { toolName: "mail", mode: "modify" });
  assert.deepEqual(await mail("ann", EMAIL), ["ann", REDACTED]);
  assert.equal(await shield.toolResponse(async () => EMAIL, { toolName: "mail", mode: "modify" })(), REDACTED);
  for (const target of [async (to) => to, function () {}, mail.bind(null)]) {
    for (const wrap of ["tool", "toolResponse", "toolresponse"]) {
      assert.throws(() => shield[wrap](target), { name: "InvalidArgument", code: "tool_name_required" });
    }
  }
  assert.equal(await shield.modelResponse(async () => EMAIL, { mode: "modify" })(), REDACTED);
  const options = { contentType: "file", action: "write_file", contentArg: 1, mode: "modify" };
  const write = shield.wrap(options)(async function write(path, text) { return [path, text]; });
  assert.deepEqual(await write("a.txt", EMAIL), ["a.txt", REDACTED]);
  assert.equal(write.name, "write");
  const rows = await client.tenantry.audit.query();
  assert.ok(rows.some((row) => JSON.stringify(row.body).includes("write_file")));
});

test("the detectors are listed as there", async (context) => {
  const { count, detectors } = await devClient(context).detectors.list();
  assert.equal(count, detectors.length);
  const secrets = detectors.find(({ name }) => name === "secrets");
  assert.deepEqual([secrets.status, secrets.context_keys[0].type], ["healthy", "bool"]);
});

test("what is not there says so, and options are closed", (context) => {
  const client = devClient(context);
  for (const [name, call] of [
    ["guard.stream", () => client.guard.stream({})],
    ["client.detect", () => client.detect.run()],
    ["client.debug", () => client.debug.policies()],
  ]) {
    assert.throws(call, (error) => error instanceof highflame.HighflameError && error.message.includes(`\`${name}\``));
  }
  const shield = new Shield(client);
  const refused = { name: "InvalidArgument", code: "config_invalid" };
  assert.throws(() => shield.tool((a) => a, { toolname: "t" }), refused);
  assert.throws(() => shield.prompt((a) => a, { arg: 1 }), refused);
  assert.throws(() => shield.wrap({ contentType: "file" }), refused);
  assert.throws(() => new Shield({}), refused);
  for (const more of [{ dataDir: "x" }, { inMemory: true }, { dev: true }]) {
    assert.throws(() => new Highflame({ apiKey: "k", ...more }), refused);
  }
});

test("errors have the public client's names", () => {
  assert.equal(highflame.HighflameError, TenantryError);
  assert.equal(highflame.APIError, TenantryError);
  assert.equal(highflame.RateLimitError, RateLimited);
  for (const name of ["AuthenticationError", "APIConnectionError", "InvalidRequestError", "BlockedError"]) {
    assert.ok(highflame[name].prototype instanceof highflame.HighflameError, name);
  }
  assert.throws(() => new Highflame({}), { name: "InvalidArgument", code: "config_invalid" });
});

test("ZeroIDClient issues, verifies and ends tokens of the place it is for", async (context) => {
  const clients = [];
  // Before their folder goes.
  context.after(() => Promise.all(clients.map((each) => each.close())));
  const dataDir = join(emptyFolder(context), "data");
  process.env.TENANTRY_DATA_DIR = dataDir;
  const owner = new Tenantry({ deadlineMs: 10_000 });
  for (const account of ["acme", "globex"]) {
    owner.admin.accounts.createSync(account);
    owner.admin.projects.createSync(account, "prod");
  }
  const admin = owner.identity.keys.createSync("admin", {
    accountId: "acme",
    projectId: "prod",
    scopes: ["api_keys:manage", "tools:read"],
  });
  const baseUrl = "https://auth.zeroid.dev";
  const client = new ZeroIDClient({ baseUrl, accountId: "acme", projectId: "prod" });
  const bound = new ZeroIDClient({ baseUrl, apiKey: admin.key, accountId: "default", projectId: "default" });
  const platform = new ZeroIDClient({ accountId: "default", maxRetries: 3 });
  delete process.env.TENANTRY_DATA_DIR;
  clients.push(client, bound, platform, owner);
  assert.equal(client.baseUrl, baseUrl);

  const made = await client.apiKeys.create({ name: "service", scopes: ["tools:read", "tools:write"], expires_in_days: 30 });
  assert.deepEqual([made.account_id, made.project_id, made.state], ["acme", "prod", "active"]);
  assert.ok(Date.parse(made.expires_at) - Date.parse(made.created_at) === 30 * 24 * 60 * 60 * 1000);
  const token = await client.tokens.issueApiKey(made.key, { scope: "tools:read" });
  assert.deepEqual([token.token_type, token.scope, token.account_id, token.project_id], ["Bearer", "tools:read", "acme", "prod"]);
  for (const [value, secret] of [[made, made.key], [token, token.access_token]]) {
    assert.ok(!inspect([value], { depth: 9 }).includes(secret));
    assert.ok(JSON.stringify(value).includes(secret));
  }
  const identity = await client.tokens.verify(token.access_token);
  assert.deepEqual([identity.account_id, identity.project_id, identity.scopes], ["acme", "prod", ["tools:read"]]);
  assert.equal(identity.jti, token.jti);
  assert.equal((await bound.tokens.introspect(token.access_token)).active, true);
  await client.tokens.revoke(token.access_token);
  assert.deepEqual(await client.tokens.introspect(token.access_token), { active: false });
  await assert.rejects(client.tokens.verify(token.access_token), highflame.AuthenticationError);
  await assert.rejects(client.tokens.refresh("nobody's"), highflame.ZeroIDError);

  assert.deepEqual((await bound.apiKeys.list()).keys.map(({ name }) => name), ["admin", "service"]);
  assert.equal((await bound.apiKeys.get(made.id)).key_prefix, made.key_prefix);
  const foreign = owner.identity.keys.createSync("foreign", { accountId: "globex", projectId: "prod" });
  for (const each of [client, bound]) {
    await assert.rejects(each.apiKeys.get(foreign.id), { name: "NotFound", code: "key_not_found" });
    await assert.rejects(each.apiKeys.get("nothing"), { name: "NotFound", code: "key_not_found" });
    await assert.rejects(each.apiKeys.revoke(foreign.id), { name: "NotFound", code: "key_not_found" });
  }
  // Keys are of a place, and this client is of none; a key of a whole account is still used in one place.
  await assert.rejects(platform.apiKeys.get(foreign.id), { name: "InvalidArgument", code: "tenant_missing" });
  const whole = owner.identity.keys.createSync("whole", { accountId: "acme", scopes: ["credentials:manage"] });
  owner.admin.projects.createSync("acme", "dev");
  const elsewhere = owner.identity.keys.createSync("elsewhere", { accountId: "acme", projectId: "dev" });
  process.env.TENANTRY_DATA_DIR = dataDir;
  const inProd = new ZeroIDClient({ apiKey: whole.key, accountId: "acme", projectId: "prod" });
  delete process.env.TENANTRY_DATA_DIR;
  clients.push(inProd);
  assert.equal((await inProd.apiKeys.get(made.id)).name, "service");
  await assert.rejects(inProd.apiKeys.get(elsewhere.id), { name: "NotFound", code: "key_not_found" });
  await assert.rejects(client.tokens.issueApiKey(foreign.key), highflame.ZeroIDError);
  assert.equal((await bound.apiKeys.revoke(made.id)).state, "revoked");
  await assert.rejects(client.tokens.issueApiKey(made.key), highflame.ZeroIDError);
  assert.equal((await platform.tokens.issueApiKey(foreign.key)).account_id, "globex");

  assert.ok((await client.jwks()).keys.length > 0);
  const health = await client.health();
  assert.deepEqual([health.status, health.service], ["healthy", "tenantry"]);
  const refused = { name: "InvalidArgument", code: "request_invalid" };
  await assert.rejects(client.apiKeys.create({ name: "k", identity_id: "i" }), refused);
  await assert.rejects(client.tokens.issue({ grant_type: "client_credentials", client_id: "c" }), refused);
  assert.throws(() => new ZeroIDClient({ dev: true }), { code: "config_invalid" });
  assert.throws(() => new ZeroIDClient({ apiKey: "nobody's" }), highflame.AuthenticationError);
});
