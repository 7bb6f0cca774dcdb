// From a credential to exactly one tenant: headers of every shape, keys, tokens, issuers and grants, and when that ends.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import http from "node:http";
import { test } from "node:test";
import { inspect } from "node:util";

import * as tenantry from "tenantry";

import { BENIGN, hooks, inMemory, withTenants } from "./helpers.mjs";

const SECRET = "a secret of at least thirty-two bytes";
const ISSUER = {
  issuer: "https://idp.example",
  audience: ["tenantry"],
  algorithms: ["HS256"],
  secret: SECRET,
  accounts: ["acme"],
};

const place = ({ accountId, projectId }) => [accountId, projectId];
const unauthenticated = (code) => ({ name: "Unauthenticated", code });
const outside = { name: "PermissionDenied", code: "outside_authority" };
const invalid = { name: "InvalidArgument", code: "request_invalid" };

/** A token as another system signs it. */
function signed(claims, secret = SECRET) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER.issuer, aud: "tenantry", sub: "ann", exp: now + 600, account_id: "acme", ...claims };
  const message = `${part({ alg: "HS256", typ: "JWT" })}.${part(all)}`;
  return `${message}.${createHmac("sha256", secret).update(message).digest("base64url")}`;
}

/** A client with tenants and a key of acme/prod. */
function withKey(options = {}) {
  const world = withTenants();
  const made = world.client.identity.keys.createSync("test", { accountId: "acme", projectId: "prod", ...options });
  return { ...world, made, key: made.key };
}

test("a key opens its one project, in both forms", async () => {
  const { client, key, made } = withKey();
  const tenant = await client.authenticate(key);
  assert.deepEqual(place(tenant), ["acme", "prod"]);
  assert.ok((await tenant.guard.evaluatePrompt(BENIGN)).allowed);
  const { caller } = tenant;
  assert.ok(caller instanceof tenantry.Identity);
  assert.deepEqual([caller.credential, caller.credentialId], ["api_key", made.id]);
  assert.deepEqual([caller.accountId, caller.projectIds, caller.scopes], ["acme", ["prod"], []]);
  assert.deepEqual(caller.principal, { roles: [], scopes: [], type: "user", id: made.id });
  assert.deepEqual([caller.issuer, caller.expiresAt], ["", undefined]);
  assert.deepEqual(place(tenant.actingAs(caller.principal)), ["acme", "prod"]);
  const again = client.authenticateSync({ "x-api-key": key });
  assert.deepEqual(again.caller, caller);
  assert.equal(client.tenantSync("acme", "prod").caller, undefined);
});

test("headers come in every shape there is", async () => {
  const { client, key } = withKey();
  const bearer = `Bearer ${key}`;
  for (const [number, credential] of [
    key,
    { authorization: bearer },
    { Authorization: [bearer], "X-Account-ID": "acme", cookie: undefined, via: null, "set-cookie": ["a=b", "c=d"] },
    Object.assign(Object.create(null), { authorization: bearer, [Symbol("sensitive")]: [] }),
    new Headers({ authorization: bearer }),
    new Map([["authorization", bearer]]),
    [["X-API-Key", key], ["X-Project-ID", "default"]],
    (function* () { yield ["authorization", bearer]; })(),
    new Proxy(new Headers({ authorization: bearer }), {
      get: (target, name) => (typeof target[name] === "function" ? target[name].bind(target) : target[name]),
    }),
  ].entries()) {
    const options = { method: "GET", target: "/", peer: null };
    assert.deepEqual(place(await client.authenticate(credential, options)), ["acme", "prod"], `${number}`);
  }
  assert.deepEqual(place(client.authenticateSync(new Headers({ authorization: bearer }))), ["acme", "prod"]);
});

test("whatever is said twice is refused, as far as the framework lets us see it", async () => {
  const { client, key } = withKey();
  const bearer = `Bearer ${key}`;
  const duplicate = { name: "InvalidArgument", code: "header_duplicate" };
  assert.throws(() => client.authenticateSync({ authorization: [bearer, bearer] }), duplicate);
  assert.throws(() => client.authenticateSync([["authorization", bearer], ["Authorization", bearer]]), duplicate);
  await assert.rejects(client.authenticate({ authorization: bearer, Authorization: bearer }), duplicate);
  const joined = new Headers([["authorization", bearer], ["authorization", bearer]]);
  assert.throws(() => client.authenticateSync(joined), unauthenticated("authorization_invalid"));
  const other = { "x-api-key": key, authorization: "Bearer other" };
  assert.throws(() => client.authenticateSync(other), { code: "credential_duplicate" });
});

test("of a real request, `headersDistinct` keeps what `headers` drops", async (context) => {
  const { client, key } = withKey();
  const outcome = (headers) => {
    try {
      return place(client.authenticateSync(headers)).join("/");
    } catch (error) {
      return error.code;
    }
  };
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify([outcome(request.headers), outcome(request.headersDistinct)]));
  });
  context.after(() => server.close());
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const ask = (authorization) => new Promise((done, failed) => {
    const { port } = server.address();
    const request = http.request({ port, host: "127.0.0.1", headers: { authorization }, agent: false }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += chunk;
      done(JSON.parse(text));
    });
    request.on("error", failed).end();
  });
  assert.deepEqual(await ask(`Bearer ${key}`), ["acme/prod", "acme/prod"]);
  assert.deepEqual(await ask([`Bearer ${key}`, "Bearer other"]), ["acme/prod", "header_duplicate"]);
});

test("headers select within a credential's reach and never leave it", () => {
  const { client } = withTenants();
  client.admin.projects.createSync("acme", "dev");
  const { key } = client.identity.keys.createSync("whole account", { accountId: "acme" });
  const enter = (project) => client.authenticateSync([["x-api-key", key], ["x-project-id", project]]);
  assert.deepEqual(place(enter("dev")), ["acme", "dev"]);
  assert.throws(() => client.authenticateSync(key), { code: "project_required" });
  assert.throws(() => client.authenticateSync([["x-api-key", key], ["x-account-id", "globex"]]), outside);
});

test("what is no credential is told, and nothing is read twice", async () => {
  const { client, key } = withKey();
  for (const credential of [undefined, null, 5, true, Symbol("x"), () => key, new Date(), new String(key), Promise.resolve(key)]) {
    assert.throws(() => client.authenticateSync(credential), invalid);
    await assert.rejects(client.authenticate(credential), invalid);
  }
  for (const credential of [
    ["x-api-key", key],
    [["x-api-key"]],
    [["x-api-key", key, key]],
    [["x-api-key", 5]],
    [[5, key]],
    [new Proxy(["x-api-key", key], {})],
    { "x-api-key": 5 },
    { "x-api-key": [key, 5] },
    { "x-api-key": { key } },
    { "x-api-key": [, key] },
    new Proxy({ "x-api-key": key }, {}),
    new (class Request { headers = { "x-api-key": key }; })(),
  ]) {
    assert.throws(() => client.authenticateSync(credential), (error) => {
      assert.ok(error instanceof tenantry.InvalidArgument && error.code === "request_invalid", inspect(error));
      return !inspect(error).includes(key);
    });
  }
  const endless = function* () { for (;;) yield ["a", "b"]; };
  assert.throws(() => client.authenticateSync(endless()), { code: "content_too_large" });
  assert.throws(() => client.authenticateSync(Array(2_000).fill(["a", "b"])), { code: "headers_too_many" });
  assert.throws(() => client.authenticateSync(key, { url: "/" }), invalid);
  assert.throws(() => client.authenticateSync({}), unauthenticated("credential_missing"));
  assert.throws(() => client.authenticateSync("nobody's"), unauthenticated("credential_unknown"));
  let reads = 0;
  const once = { get "x-api-key"() { reads += 1; return reads === 1 ? key : "other"; } };
  assert.deepEqual(place(client.authenticateSync(once)), ["acme", "prod"]);
  const pairs = { get [Symbol.iterator]() { reads += 1; return () => [["x-api-key", key]].values(); } };
  assert.deepEqual(place(client.authenticateSync(pairs)), ["acme", "prod"]);
  assert.equal(reads, 2);
  const mine = new RangeError("mine");
  assert.throws(() => client.authenticateSync({ get authorization() { throw mine; } }), mine);
});

test("revocation ends keys, handles and exchanged tokens at once", async () => {
  const { client, made, key } = withKey({ scopes: ["tools:read"] });
  const { keys, tokens } = client.identity;
  const tenant = await client.authenticate(key);
  const token = await tokens.exchange({ grantType: "api_key", apiKey: key });
  const byToken = await client.authenticate(token.accessToken);
  assert.equal(byToken.caller.credential, "token");
  assert.ok(byToken.guard.evaluatePromptSync(BENIGN).allowed);
  assert.equal((await keys.revoke(made.id)).state, "revoked");
  for (const handle of [tenant, byToken]) {
    assert.throws(() => handle.guard.evaluatePromptSync(BENIGN), unauthenticated("credential_revoked"));
    await assert.rejects(handle.requireScopes("tools:read"), unauthenticated("credential_revoked"));
  }
  await assert.rejects(client.authenticate(key), { name: "Unauthenticated" });
  await assert.rejects(client.authenticate(token.accessToken), { name: "Unauthenticated" });
  assert.deepEqual(keys.listSync({ accountId: "acme", projectId: "prod" }).map(({ state }) => state), ["revoked"]);
  assert.throws(() => keys.revokeSync("nothing"), { name: "NotFound", code: "key_not_found" });
});

test("a key that has expired ends its handles", () => {
  hooks._freeze(Date.now() * 1000);
  const { client, key } = withKey({ expiresInSeconds: 60 });
  const tenant = client.authenticateSync(key);
  assert.ok(Date.parse(tenant.caller.expiresAt) > Date.now());
  assert.ok(tenant.guard.evaluatePromptSync(BENIGN).allowed);
  hooks._advance(61_000);
  assert.throws(() => tenant.guard.evaluatePromptSync(BENIGN), { name: "Unauthenticated" });
  assert.throws(() => client.authenticateSync(key), { name: "Unauthenticated" });
});

test("secrets are told once and never printed", () => {
  const { client, made, key } = withKey();
  const token = client.identity.tokens.issueSync("ann", { accountId: "acme", projectId: "prod", refresh: true });
  assert.ok(made instanceof tenantry.NewApiKey && made instanceof tenantry.ApiKey);
  assert.ok(key.startsWith("tnt_sk") && key.startsWith(made.keyPrefix) && made.keyPrefix.length < key.length);
  for (const [value, ...secrets] of [[made, key], [token, token.accessToken, token.refreshToken]]) {
    for (const text of [inspect(value), inspect([{ value }], { depth: 9, showHidden: true }), String(value), `${value}`]) {
      for (const secret of secrets) assert.ok(secret.length > 20 && !text.includes(secret), text);
    }
    for (const secret of secrets) assert.ok(JSON.stringify(value).includes(secret));
  }
  assert.match(inspect(made), /^NewApiKey \{[^]*name: 'test'/);
  assert.equal(made.toJSON().key, key);
  assert.deepEqual(made, new tenantry.NewApiKey(made.json));
  const [listed] = client.identity.keys.listSync({ accountId: "acme", projectId: "prod" });
  assert.ok(!("key" in listed.toJSON()));
  client.identity.issuers.putSync(ISSUER);
  const [issuer] = client.identity.issuers.listSync();
  assert.ok(!JSON.stringify(issuer).includes(SECRET) && !inspect(issuer).includes(SECRET));
});

test("keys are made, listed, imported and rotated within their maker's reach", async () => {
  const { client, key, made } = withKey({ scopes: ["tools:read", "api_keys:manage"], type: "agent", subject: "bot" });
  const mine = client.authenticateSync(key).identity;
  assert.deepEqual([made.type, made.subject, made.scopes], ["agent", "bot", ["tools:read", "api_keys:manage"]]);
  const second = await mine.keys.create("second", { scopes: ["tools:read"], prefix: "hf_sk", expiresInSeconds: 3_600 });
  assert.deepEqual([second.accountId, second.projectId, second.key.startsWith("hf_sk")], ["acme", "prod", true]);
  assert.ok(second.expiresAt > second.createdAt);
  await assert.rejects(mine.keys.create("wider", { scopes: ["tenant:manage"] }), { name: "PermissionDenied" });
  await assert.rejects(mine.keys.create("elsewhere", { accountId: "globex", projectId: "prod" }), outside);
  await assert.rejects(mine.issuers.list(), outside);
  assert.deepEqual((await mine.keys.list()).map(({ name }) => name), ["test", "second"]);

  assert.equal((await mine.keys.get(second.id)).name, "second");
  assert.throws(() => mine.keys.getSync("nothing"), { name: "NotFound", code: "key_not_found" });

  const next = await mine.keys.rotate(second.id, { overlapSeconds: 60 });
  assert.notEqual(next.key, second.key);
  assert.equal(mine.keys.listSync().find(({ id }) => id === second.id).replacedBy, next.id);
  for (const each of [second.key, next.key]) assert.deepEqual(place(client.authenticateSync(each)), ["acme", "prod"]);
  assert.throws(() => mine.keys.rotateSync(next.id), { code: "key_not_active" });
  const third = mine.keys.createSync("third", { scopes: ["tools:read"] });
  const last = mine.keys.rotateSync(third.id);
  assert.throws(() => client.authenticateSync(third.key), { name: "Unauthenticated" });
  assert.deepEqual(place(client.authenticateSync(last.key)), ["acme", "prod"]);

  const old = "sk_of_another_system_0123456789abcdef";
  const importSha256 = createHash("sha256").update(old).digest("hex");
  const imported = client.identity.keys.createSync("old", { accountId: "acme", projectId: "prod", importSha256 });
  assert.equal(imported.key, "");
  assert.deepEqual(place(client.authenticateSync(old)), ["acme", "prod"]);
});

test("scopes are what the caller holds", async () => {
  const { client, acme, key } = withKey({ scopes: ["tools:read"] });
  const tenant = client.authenticateSync(key);
  await tenant.requireScopes("tools:read");
  tenant.requireScopesSync();
  const missing = { name: "PermissionDenied", code: "scope_missing" };
  await assert.rejects(tenant.requireScopes("tools:read", "tenant:read"), missing);
  assert.throws(() => tenant.requireScopesSync("tenant:read"), missing);
  assert.throws(() => acme.requireScopesSync("tools:read"), missing);
  acme.actingAs({ id: "ada", roles: ["admin"] }).requireScopesSync("tenant:read");
  assert.throws(() => tenant.requireScopesSync(["tools:read"]), invalid);
  const denied = tenant.guard.evaluateToolCallSync("search");
  assert.deepEqual([denied.denied, denied.code], [true, "insufficient_scope"]);
});

test("tokens are exchanged, issued, refreshed, introspected and revoked", async () => {
  const { client, key } = withKey({ scopes: ["tools:read", "tools:write"] });
  const { tokens } = client.identity;
  const token = await tokens.exchange({ grantType: "api_key", apiKey: key, scope: "tools:read", accountId: "default" });
  assert.deepEqual([token.tokenType, token.scope, token.accountId, token.projectId], ["Bearer", "tools:read", "acme", "prod"]);
  assert.ok(token.expiresIn > 0 && token.iat > 0 && token.jti !== "" && token.refreshToken === "");
  const known = await tokens.introspect(token.accessToken);
  assert.deepEqual([known.active, known.claims.account_id, known.claims.scope], [true, "acme", "tools:read"]);
  assert.ok(!("active" in known.claims));
  assert.deepEqual(client.identity.verifySync(token.accessToken).scopes, ["tools:read"]);
  await tokens.revoke(token.accessToken);
  assert.deepEqual(tokens.introspectSync(token.accessToken).toJSON(), { active: false });
  await assert.rejects(client.identity.verify(token.accessToken), unauthenticated("credential_revoked"));
  tokens.revokeSync("nobody's");

  const first = await tokens.issue("ann", { accountId: "acme", projectId: "prod", roles: ["admin"], refresh: true });
  const refresh = (refreshToken) => tokens.exchange({ grantType: "refresh_token", refreshToken });
  const second = await refresh(first.refreshToken);
  const ann = client.authenticateSync(second.accessToken);
  assert.deepEqual([ann.caller.principal.id, ann.caller.principal.roles], ["ann", ["admin"]]);
  ann.requireScopesSync("users:manage");
  await assert.rejects(refresh(first.refreshToken), { code: "refresh_token_reused" });
  assert.throws(() => ann.guard.evaluatePromptSync(BENIGN), unauthenticated("credential_revoked"));

  const before = await tokens.jwks();
  await tokens.rotateSigningKey();
  assert.deepEqual([before.keys.length, tokens.jwksSync().keys.length], [1, 2]);
  assert.ok(before.keys.every((each) => each.kid && !("d" in each)));
});

test("another system's tokens are taken from the issuers that are known", async () => {
  const { client } = withTenants();
  const { issuers } = client.identity;
  assert.throws(() => client.authenticateSync(signed({})), { name: "Unauthenticated" });
  await issuers.put({ ...ISSUER, claims: { project: "/app/project", scopes: "scope" }, leewaySeconds: 5 });
  const tenant = await client.authenticate(signed({ app: { project: "prod" }, scope: "tools:read", role: "user" }));
  assert.deepEqual(place(tenant), ["acme", "prod"]);
  const { caller } = tenant;
  assert.deepEqual([caller.credential, caller.issuer, caller.principal.id], ["jwt", ISSUER.issuer, "ann"]);
  assert.deepEqual(caller.principal.roles, ["user"]);
  assert.ok(caller.scopes.includes("tools:read") && caller.expiresAt !== undefined);
  const [listed] = await issuers.list();
  assert.deepEqual([listed.issuer, listed.audience, listed.algorithms], [ISSUER.issuer, ["tenantry"], ["HS256"]]);
  assert.deepEqual(listed.claims, { account: "account_id", project: "/app/project", roles: "role", scopes: "scope" });
  assert.deepEqual([listed.leewaySeconds, listed.privateNetwork, listed.jwksUrl, listed.jwks], [5, false, "", undefined]);
  for (const bad of [signed({}, "another secret of thirty-two bytes or so"), signed({ exp: 1 }), signed({ aud: "else" })]) {
    assert.throws(() => client.authenticateSync(bad), { name: "Unauthenticated" });
  }
  assert.throws(() => client.authenticateSync(signed({ account_id: "globex" })), tenantry.TenantryError);
  issuers.removeSync(ISSUER.issuer);
  assert.throws(() => tenant.guard.evaluatePromptSync(BENIGN), { name: "Unauthenticated" });
  assert.throws(() => issuers.putSync({ ...ISSUER, algorithms: ["none"] }), invalid);
  assert.throws(() => issuers.putSync({ ...ISSUER, audience: [] }), tenantry.InvalidArgument);
  assert.throws(() => issuers.putSync({ ...ISSUER, jwks_url: "x" }), invalid);
});

test("settings are put whole and read back in this language's words", async () => {
  const { client } = withTenants();
  const { identity } = client;
  const usual = await identity.settings();
  assert.deepEqual([usual.keyPrefix, usual.accessTokenSeconds, usual.maxKeys], ["tnt_sk", 3_600, 100]);
  assert.equal(usual.autoProvision.enabled, false);
  const house = "permit(principal, action, resource);";
  const put = await identity.putSettings({
    keyPrefix: "hf_sk",
    accessTokenSeconds: 60,
    roles: { some_role: ["tools:read"], otherRole: [] },
    autoProvision: {
      enabled: true,
      maxAccounts: 3,
      facts: { tier: "free", labels: ["new"] },
      policies: [{ name: "house", text: house }],
      limits: [{ id: "calls", rate: 5, per: "minute", onExceed: "queue" }],
    },
  });
  assert.deepEqual(put, identity.settingsSync());
  assert.deepEqual([put.keyPrefix, put.accessTokenSeconds, put.maxKeys], ["hf_sk", 60, 100]);
  assert.deepEqual(put.roles, { some_role: ["tools:read"], otherRole: [] });
  const { autoProvision } = put;
  assert.ok(autoProvision instanceof tenantry.AutoProvision);
  assert.deepEqual([autoProvision.maxAccounts, autoProvision.perMinute, autoProvision.facts.tier], [3, 60, "free"]);
  assert.deepEqual(autoProvision.policies[0].text, house);
  assert.deepEqual([autoProvision.limits[0].perMs, autoProvision.limits[0].onExceed], [60_000, "queue"]);

  identity.issuers.putSync({ ...ISSUER, accounts: ["*"] });
  assert.deepEqual(place(client.authenticateSync(signed({ account_id: "initech" }))), ["initech", "default"]);
  const policies = client.tenantSync("initech", "default").policies.listSync();
  assert.ok(policies.some(({ name }) => name === "house"));
  assert.deepEqual(identity.putSettingsSync({}).toJSON(), usual.toJSON());
  for (const bad of [
    { key_prefix: "x" },
    { roles: { a: "tools:read" } },
    { autoProvision: { policies: [{ name: "bad", text: "nonsense" }] } },
    { maxKeys: -1 },
    { autoProvision: put.autoProvision },
  ]) {
    assert.throws(() => identity.putSettingsSync(bad), tenantry.InvalidArgument);
  }
});

test("a grant crosses for what it names, and both sides can prove it", async () => {
  const { client, acme, globex, key } = withKey({ scopes: ["tools:read"] });
  const { grants } = client.admin;
  const headers = { "x-api-key": key, "x-account-id": "globex", "x-project-id": "prod" };
  await assert.rejects(client.authenticate(headers), outside);
  const grant = await grants.create({
    fromAccount: "acme",
    toAccount: "globex",
    toProject: "prod",
    actions: ["process_prompt"],
    expiresInSeconds: 3_600,
    reason: "shared support desk",
  });
  assert.deepEqual([grant.fromAccount, grant.fromProject, grant.toAccount, grant.toProject], ["acme", "", "globex", "prod"]);
  assert.deepEqual([grant.actions, grant.reason], [["process_prompt"], "shared support desk"]);
  assert.ok(grant.until > grant.createdAt);
  assert.deepEqual(await grants.list(), [grant]);
  const tenant = await client.authenticate(headers);
  assert.deepEqual(place(tenant), ["globex", "prod"]);
  assert.ok(tenant.guard.evaluatePromptSync(BENIGN).allowed);
  assert.throws(() => tenant.policies.listSync(), { code: "scope_missing" });
  assert.throws(() => tenant.guard.evaluateToolCallSync("search", {}), { code: "grant_insufficient" });
  const uses = await grants.uses();
  assert.deepEqual(uses.map(({ kind }) => kind), ["grant.create", "cross_tenant"]);
  assert.deepEqual(grants.usesSync({ since: 1, limit: 1 }), [uses[1]]);
  for (const side of [acme, globex]) {
    assert.equal(side.audit.querySync({ limit: 1_000 }).filter(({ kind }) => kind === "cross_tenant").length, 1);
  }
  await grants.revoke(grant.id);
  assert.throws(() => tenant.guard.evaluatePromptSync(BENIGN), { code: "grant_ended" });
  assert.deepEqual(grants.listSync(), []);
  assert.throws(() => grants.createSync({ fromAccount: "acme" }), { code: "grant_spec_invalid" });
});

test("requireCredentials closes the door that takes names", async () => {
  const { client, key } = (() => {
    const client = inMemory({ requireCredentials: true });
    client.admin.accounts.createSync("acme");
    client.admin.projects.createSync("acme", "prod");
    return { client, ...client.identity.keys.createSync("test", { accountId: "acme", projectId: "prod" }).toJSON() };
  })();
  const refused = { name: "PermissionDenied", code: "credentials_required" };
  assert.throws(() => client.tenantSync("acme", "prod"), refused);
  await assert.rejects(client.tenant("acme", "prod"), refused);
  assert.deepEqual(place(client.authenticateSync(key)), ["acme", "prod"]);
});

test("options of credentials are closed", () => {
  const { client } = withTenants();
  const { keys, tokens } = client.identity;
  for (const call of [
    () => keys.createSync("k", { account_id: "acme" }),
    () => keys.createSync(),
    () => keys.createSync("k", { type: "robot" }),
    () => keys.createSync("k", { expiresInSeconds: -1 }),
    () => keys.createSync("k", { scopes: "tools:read" }),
    () => keys.listSync({ account: "acme" }),
    () => keys.rotateSync("id", { overlap: 1 }),
    () => tokens.exchangeSync({ grant_type: "api_key" }),
    () => tokens.issueSync("ann", { role: "admin" }),
    () => tokens.introspectSync(5),
    () => tokens.revokeSync(),
    () => client.identity.verifySync(null),
    () => client.admin.grants.createSync({ from: "acme" }),
    () => client.admin.grants.usesSync({ from: 1 }),
  ]) {
    assert.throws(call, invalid);
  }
});
