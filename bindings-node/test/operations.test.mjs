// Operations as they are made from the table: what they take, what they give, and that nothing is dropped on the way.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import * as tenantry from "tenantry";

import { BENIGN, PACKAGE, emptyFolder, hooks, run, withTenants } from "./helpers.mjs";

/** Every call that takes fields, with good positional arguments; the last one is the object with fields. */
const CALLS = ({ client, acme }) => [
  [client.admin.accounts, "create", "initech"],
  [client.admin.accounts, "ensure", "initech"],
  [client.admin.projects, "create", "acme", "lab"],
  [client.admin.projects, "ensure", "acme", "lab"],
  [client.admin.grants, "create"],
  [client.admin.grants, "uses"],
  [client.identity, "putSettings"],
  [client.identity.issuers, "put"],
  [client.identity.keys, "create", "k"],
  [client.identity.keys, "list"],
  [client.identity.keys, "rotate", "id"],
  [client.identity.tokens, "exchange"],
  [client.identity.tokens, "issue", "ann"],
  [acme.usage, "report"],
  [acme.policies, "put", "p", "permit (principal, action, resource);"],
  [acme.policies, "get", "p"],
  [acme.policies, "remove", "p"],
  [acme.limits, "set"],
  [acme.limits, "remove", "l"],
  [acme.settings, "update"],
  [acme.audit, "query"],
];

const refused = (words) => (error) => {
  assert.ok(error instanceof tenantry.InvalidArgument, inspect(error));
  assert.equal(error.code, "request_invalid");
  assert.match(error.message, words);
  return true;
};

/** What crosses to the native library while `body` runs. */
function crossing(type, body) {
  const { operateSync } = type.prototype;
  const crossed = [];
  type.prototype.operateSync = function (...args) {
    crossed.push(args);
    return operateSync.apply(this, args);
  };
  try {
    body();
  } finally {
    type.prototype.operateSync = operateSync;
  }
  return crossed;
}

test("a field that is none is refused by every operation, in both forms and without throwing at once", async () => {
  for (const [handle, verb, ...args] of CALLS(withTenants())) {
    const odd = /`ceilling` is not a field of `\w+`/;
    assert.throws(() => handle[`${verb}Sync`](...args, { ceilling: true }), refused(odd), verb);
    await assert.rejects(handle[verb](...args, { ceilling: undefined }), refused(odd), verb);
    for (const value of [5, "x", true, [], () => ({}), new Map(), new Date(), Symbol("x"), new Proxy({}, {})]) {
      assert.throws(() => handle[`${verb}Sync`](...args, value), refused(/plain/), verb);
    }
  }
});

test("a name that has to be there is a text, in both forms", async () => {
  const { client, acme } = withTenants();
  for (const [handle, verb, name, ...args] of [
    [client.admin.accounts, "get", "account"],
    [client.admin.projects, "list", "account"],
    [client.admin.projects, "delete", "project", "acme"],
    [client.identity, "verify", "credential"],
    [client.identity.keys, "create", "name"],
    [client.identity.issuers, "check", "issuer"],
    [client.identity.tokens, "revoke", "token"],
    [acme.policies, "put", "text", "p"],
    [acme.policies, "attachPack", "pack"],
    [acme.limits, "remove", "id"],
  ]) {
    assert.throws(() => handle[`${verb}Sync`](...args), refused(new RegExp(`\`${name}\` is missing`)));
    await assert.rejects(handle[verb](...args, 5), refused(new RegExp(`\`${name}\` is not a string`)));
  }
});

test("a value of another type is told with its field", () => {
  const { client, acme } = withTenants();
  const { keys, issuers, tokens } = client.identity;
  const issuer = { issuer: "https://i", audience: ["a"], algorithms: ["RS256"], accounts: ["*"] };
  const half = JSON.parse('{"a": {"b": [1, 2]}}');
  half.a.b[1] = NaN;
  for (const [call, words] of [
    [() => keys.createSync("k", { scopes: "tools:read" }), /`scopes` is not an array/],
    [() => keys.createSync("k", { scopes: ["a", null] }), /`scopes` is not a string/],
    [() => keys.createSync("k", { scopes: [, "a"] }), /`scopes` holds a list with a hole/],
    [() => keys.createSync("k", { expiresInSeconds: 1.5 }), /`expiresInSeconds` is not a whole number/],
    [() => keys.createSync("k", { expiresInSeconds: NaN }), /`expiresInSeconds` is not a whole number/],
    [() => keys.createSync("k", { expiresInSeconds: 5n }), /`expiresInSeconds` is not a whole number/],
    [() => keys.createSync("k", { expiresInSeconds: -1 }), /`expires_in_seconds`.*not negative/],
    [() => keys.createSync("k", { type: "robot" }), /`type`.*`user`/],
    [() => issuers.putSync({ ...issuer, privateNetwork: 1 }), /`privateNetwork` is neither true nor false/],
    [() => issuers.putSync({ ...issuer, claims: { acount: "a" } }), /`acount` is not a field of `claims`/],
    [() => issuers.putSync({ ...issuer, jwks: half }), /`jwks`.*plain data/],
    [() => issuers.putSync({ ...issuer, jwks: [] }), /`jwks`/],
    [() => tokens.exchangeSync({ grantType: 5 }), /`grantType` is not a string/],
    [() => client.identity.putSettingsSync({ roles: { viewer: "a" } }), /`roles` is not an array/],
    [() => client.identity.putSettingsSync({ autoProvision: { limits: [{ id: 5 }] } }), /`id` is not a string/],
    [() => client.identity.putSettingsSync({ autoProvision: { policies: [{ ceilling: true }] } }), /`ceilling`.*`policies`/],
    [() => acme.settings.updateSync({ metadataKeys: { a: 5 } }), /`metadataKeys` is not a string/],
    [() => acme.settings.updateSync({ metadataKeys: new Map([["a", "Long"]]) }), /`metadataKeys`.*plain data/],
    [() => acme.settings.updateSync({ metadataKeys: { "\ud800": "Long" } }), /half a character/],
    [() => acme.audit.querySync({ since: new Date(NaN) }), /`since` is no time/],
    [() => acme.audit.querySync({ since: 1.5 }), /`since` is not a whole number/],
  ]) {
    assert.throws(call, refused(words));
  }
});

test("what is left out is not sent, and names become those of the wire", () => {
  const { client, acme } = withTenants();
  const ofClient = crossing(hooks.Tenantry, () => {
    client.identity.keys.createSync("k", { accountId: "acme", scopes: undefined, type: null });
    client.admin.projects.ensureSync("acme", "lab", { tier: "free", labels: [] });
    client.identity.keys.listSync();
    client.identity.putSettingsSync({ roles: { viewer: ["tools:read"] }, autoProvision: { maxAccounts: 5, facts: { plan: "p" } } });
  });
  assert.deepEqual(ofClient, [
    ["keys.create", [], '{"name":"k","account_id":"acme"}'],
    ["projects.ensure", ["acme", "lab"], '{"tier":"free","labels":[]}'],
    ["keys.list", [], "{}"],
    [
      "identity.put_settings",
      [],
      '{"roles":{"viewer":["tools:read"]},"auto_provision":{"max_accounts":5,"facts":{"plan":"p"}}}',
    ],
  ]);
  const ofTenant = crossing(hooks.Tenant, () => {
    acme.limits.setSync({ id: "a", rate: 2, per: "10s", onExceed: "queue", maxWaitMs: 5 });
    acme.usage.reportSync({ model: "gpt-4o", inputTokens: 5, sessionId: "s" });
    acme.audit.querySync({ since: new Date(0), limit: 1 });
    acme.audit.verifySync(null);
  });
  assert.deepEqual(ofTenant, [
    ["limits.set", [], '{"id":"a","rate":2,"per_ms":10000,"on_exceed":"queue","max_wait_ms":5}'],
    ["usage.report", [], '{"model":{"model":"gpt-4o","input_tokens":5},"session_id":"s"}'],
    ["audit.query", [], '{"since":"1970-01-01T00:00:00.000Z","limit":1}'],
    ["audit.verify", [], "{}"],
  ]);
});

test("an argument is read once, and may be much up to a point", () => {
  const { acme, client } = withTenants();
  let reads = 0;
  acme.settings.updateSync({ get sessionTtlSeconds() { reads += 1; return 60; } });
  assert.equal(reads, 1);
  const mine = new RangeError("mine");
  assert.throws(() => acme.settings.updateSync({ get modeFloor() { throw mine; } }), (error) => error === mine);
  const text = "x".repeat(1024 * 1024);
  const much = { name: "InvalidArgument", code: "content_too_large" };
  assert.throws(() => client.identity.keys.createSync("k", { scopes: Array(100).fill(text) }), much);
  assert.throws(() => acme.limits.removeSync(text.repeat(33)), much);
  assert.throws(() => client.identity.keys.createSync("k", { scopes: new Array(2 ** 32 - 1) }), /hole/);
});

test("a list is a page, and reads as an array that does not change", async () => {
  const { client, acme } = withTenants();
  const page = await client.admin.accounts.list();
  assert.ok(Array.isArray(page) && page.length === 2 && page[0] instanceof tenantry.Account);
  assert.deepEqual(page.items.map(({ id }) => id), ["acme", "globex"]);
  assert.deepEqual([...page], [...page.items]);
  assert.deepEqual([page.next, Object.keys(page)], [undefined, ["0", "1"]]);
  assert.deepEqual(JSON.parse(JSON.stringify(page)), page.map((account) => account.toJSON()));
  assert.throws(() => page.push(1), TypeError);
  assert.throws(() => page.items.push(1), TypeError);
  assert.deepEqual(acme.limits.listSync(), []);
});

test("the installation tells what is wrong with it, and its chain", async () => {
  const { client } = withTenants();
  assert.deepEqual([...client.admin.problemsSync()], []);
  const report = await client.admin.verify();
  assert.ok(report instanceof tenantry.VerifyReport && report.ok, inspect(report));
});

test("a caller is told who it is, and the process is nobody", async () => {
  const { client } = withTenants();
  const nobody = client.identity.whoamiSync();
  assert.deepEqual([nobody.principal, nobody.credential, nobody.accountId, nobody.scopes], [undefined, undefined, "", []]);
  const { key, id } = client.identity.keys.createSync("k", { accountId: "acme", projectId: "prod" });
  const tenant = client.authenticateSync(key);
  const caller = await tenant.identity.whoami();
  assert.deepEqual([caller.credential, caller.credentialId, caller.projectIds], ["api_key", id, ["prod"]]);
  assert.deepEqual(caller.principal, { type: "user", id, roles: [], scopes: [] });
});

test("one policy is read from its layer", async () => {
  const { acme } = withTenants();
  acme.policies.putSync("p", "permit (principal, action, resource);", { mode: "alert" });
  const policy = await acme.policies.get("p");
  assert.ok(policy instanceof tenantry.PolicySummary);
  assert.deepEqual([policy.name, policy.mode, policy.layer], ["p", "alert", "project"]);
  assert.throws(() => acme.policies.getSync("p", { layer: "account" }), tenantry.NotFound);
  assert.throws(() => acme.policies.getSync("p", { layer: "house" }), { code: "layer_invalid" });
});

test("what is told and not known here survives", () => {
  const account = new tenantry.Account('{"id": "a", "uid": "u", "status": "active", "created_at": "t", "mood": {"a": [1]}}');
  assert.deepEqual(account.toJSON().mood, { a: [1] });
  assert.equal(account.tier, "");
  const { acme } = withTenants();
  assert.ok(acme.guard.evaluatePromptSync(BENIGN).allowed);
});

test("a native library of another build is told", async (context) => {
  const folder = emptyFolder(context);
  const copy = join(folder, "node_modules/tenantry");
  rmSync(copy);
  mkdirSync(copy);
  for (const part of ["package.json", "esm", "cjs", "native"]) cpSync(join(PACKAGE, part), join(copy, part), { recursive: true });
  const tables = join(copy, "cjs/operations/tables.js");
  writeFileSync(tables, readFileSync(tables, "utf8").replace(/HASH = "\w+"/, 'HASH = "0"'));
  const { code, output } = await run(folder, "other.mjs", `import "tenantry";`);
  assert.equal(code, 1);
  assert.match(output, /different builds; build or install tenantry again/);
});
