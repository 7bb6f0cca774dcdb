// What calls answer: values that read lazily, compare by value and write the wire's JSON.

import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";

import { AuditHead, GuardResponse, Signal } from "tenantry";

import { BENIGN, EMAIL, NO_SHELL, PACKAGE, REDACTED, SECRET, withTenants } from "./helpers.mjs";

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Every field the wire has can be read under its name in JavaScript. */
function readsAll(value) {
  const wire = value.toJSON();
  for (const [name, there] of Object.entries(wire)) {
    const here = value[camel(name)];
    assert.notEqual(here, undefined, `${value.constructor.name}.${camel(name)}`);
    assert.deepEqual(JSON.parse(JSON.stringify(here)), there, name);
    for (const part of Array.isArray(here) ? here : [here]) {
      if (part !== null && typeof part === "object" && "json" in part) readsAll(part);
    }
  }
}

test("a response has typed fields, and readings that the core makes", () => {
  const { acme } = withTenants();
  const response = acme.guard.evaluatePromptSync(EMAIL, { mode: "modify", debug: true, explain: true, sessionId: "s" });
  assert.equal(response.decision, "modify");
  assert.deepEqual([response.allowed, response.denied, response.suspended], [true, false, false]);
  assert.equal(response.passedOn(EMAIL), REDACTED);
  assert.equal(response.redactedContent, REDACTED);
  assert.ok(response.signals[0] instanceof Signal);
  assert.equal(response.redactionEntries[0].original, "ada@example.com");
  assert.equal(response.sessionDelta.turnCount, 1);
  assert.equal(response.debugInfo.tenant.accountId, "acme");
  assert.equal(response.limitId, undefined);
  assert.deepEqual(response.degraded, []);
  readsAll(response);
  assert.doesNotThrow(() => response.raiseForDenied());
});

test("a denial is an answer", () => {
  const { acme } = withTenants();
  acme.policies.putSync("tools", NO_SHELL);
  const response = acme.guard.evaluateToolCallSync("shell", { command: "ls" });
  assert.deepEqual([response.allowed, response.denied], [false, true]);
  assert.equal(response.determiningPolicies[0].ruleId, "no-shell");
  assert.throws(() => response.raiseForDenied(), { name: "BlockedError", response });
});

test("every result can be read whole", () => {
  const { client, acme } = withTenants();
  readsAll(client.admin.accounts.createSync("full", { tier: "gold", plan: "p", region: "eu", labels: ["a"] }));
  readsAll(client.admin.projects.createSync("full", "prod", { tier: "gold" }));
  readsAll(acme.policies.putSync("tools", NO_SHELL));
  acme.limits.setSync({ id: "calls", rate: 10, per: "minute" });
  for (const value of [
    ...client.admin.accounts.listSync(),
    ...client.admin.projects.listSync("full"),
    ...acme.policies.listSync(),
    ...acme.limits.listSync(),
    ...acme.audit.querySync(),
    acme.settings.getSync(),
    acme.guard.detectSync(EMAIL),
    ...acme.guard.detectorsSync(),
    ...acme.guard.detectorsSync().flatMap((detector) => detector.contextKeys),
    acme.usage.reportSync({ model: "gpt-4o" }),
    acme.guard.evaluatePromptSync(SECRET, { debug: true, explain: true }),
    acme.audit.headSync(),
    acme.audit.verifySync(),
  ]) {
    readsAll(value);
  }
});

test("what the wire leaves out reads as what that means", () => {
  const { client } = withTenants();
  const account = client.admin.accounts.getSync("acme");
  assert.deepEqual([account.tier, account.labels], ["", []]);
  assert.ok(!("tier" in account.toJSON()));
});

test("values compare by value and write the wire's JSON", () => {
  const { acme } = withTenants();
  const [one, other] = [acme.guard.evaluatePromptSync(BENIGN), acme.guard.evaluatePromptSync(BENIGN)];
  assert.deepEqual(one, new GuardResponse(one.json));
  assert.notDeepEqual(one, other);
  assert.equal(JSON.stringify(one), one.json);
  assert.equal(one.toJSON().request_id, one.requestId);
  assert.ok(!("redacted_content" in one.toJSON()));
  const signals = acme.guard.evaluatePromptSync(EMAIL, { mode: "modify" }).signals;
  assert.deepEqual(signals, acme.guard.evaluatePromptSync(EMAIL, { mode: "modify" }).signals);
});

test("a result crosses to another thread as its JSON, or as plain data", async () => {
  const { acme } = withTenants();
  const answers = [
    acme.guard.evaluatePromptSync(EMAIL, { mode: "modify", debug: true, explain: true }),
    acme.guard.evaluateToolCallSync("search", { q: EMAIL }, { mode: "modify" }),
    acme.guard.evaluatePromptSync(SECRET),
  ];
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const { GuardResponse } = require(${JSON.stringify(join(PACKAGE, "cjs/index.js"))});
     parentPort.once("message", (answers) => {
       const told = answers.map(({ json }) => new GuardResponse(json)).map(({ decision, signals, requestId }) => ({ decision, signals: signals.length, requestId }));
       parentPort.postMessage(told);
     });`,
    { eval: true },
  );
  // What postMessage makes of a result is its JSON: enough to make it whole again.
  worker.postMessage(answers);
  const [told] = await once(worker, "message");
  assert.deepEqual(told, answers.map(({ decision, signals, requestId }) => ({ decision, signals: signals.length, requestId })));
  await worker.terminate();
  for (const answer of answers) {
    assert.deepStrictEqual(new GuardResponse(structuredClone(answer).json), answer);
    assert.equal(structuredClone(answer.toJSON()).decision, answer.decision);
    assert.deepEqual(structuredClone(answer.toJSON()), JSON.parse(answer.json));
  }
});

test("what is no result is told", () => {
  for (const json of ["nope", "", undefined, null, 5, {}, "[1]"]) {
    assert.throws(() => new GuardResponse(json), { name: "InvalidArgument", code: "request_invalid" });
  }
  assert.throws(() => new GuardResponse("{nope").decision, { name: "InvalidArgument", code: "request_invalid" });
});

test("any head is an anchor", () => {
  const { acme } = withTenants();
  const line = acme.audit.headSync().toText();
  assert.ok(acme.audit.verifySync({ toText: () => line }).ok);
});

test("values do not change", () => {
  const { acme } = withTenants();
  assert.ok(Object.isFrozen(acme.guard.evaluatePromptSync(BENIGN)));
  assert.throws(() => (acme.guard.evaluatePromptSync(BENIGN).json = "{}"), TypeError);
  const response = acme.guard.evaluatePromptSync(EMAIL, { debug: true });
  assert.throws(() => (response.decision = "deny"), TypeError);
  assert.throws(() => (response.context.pii_detected = false), TypeError);
  assert.throws(() => response.degraded.push("x"), TypeError);
  response.toJSON().decision = "deny";
  assert.equal(response.decision, response.toJSON().decision);
});

test("printing shows no content", () => {
  const { client, acme } = withTenants();
  const response = acme.guard.evaluatePromptSync(EMAIL, { mode: "modify" });
  assert.match(inspect(response), /^GuardResponse \{[^]*decision: 'modify'/);
  assert.ok(!inspect([response, response.redactionEntries], { depth: 9 }).includes("ada@"));
  assert.equal(inspect(client), "Tenantry(open)");
  assert.equal(inspect(acme), "Tenant('acme', 'prod')");
});

test("names of the caller's own stay as they are", () => {
  const { acme } = withTenants();
  const answer = acme.guard.evaluateToolCallSync(
    "search",
    { user_id: EMAIL, userId: [EMAIL, { "a b": EMAIL }], n: 7, none: null, gone: undefined, ["__proto__"]: EMAIL },
    { mode: "modify", metadata: { snake_case: 1, camelCase: 2 } },
  );
  assert.deepEqual(answer.redactedArguments, {
    user_id: REDACTED,
    userId: [REDACTED, { "a b": REDACTED }],
    n: 7,
    none: null,
    ["__proto__"]: REDACTED,
  });
});

test("absent, undefined and null options are the same", () => {
  const { acme } = withTenants();
  for (const absent of [undefined, null]) {
    const options = { mode: absent, sessionId: absent, metadata: absent, explain: absent, debug: absent };
    const response = acme.guard.evaluatePromptSync(BENIGN, options);
    assert.deepEqual([response.allowed, response.sessionDelta, response.context], [true, undefined, undefined]);
    assert.ok(acme.guard.evaluatePromptSync(BENIGN, absent).allowed);
  }
});

test("the whole request and the shorthands ask the same", () => {
  const { acme } = withTenants();
  const action = (response) => [response.debugInfo.action, response.debugInfo.resourceType];
  const [debug, file] = [true, { path: "/a/b.txt", operation: "write" }];
  for (const [long, short] of [
    [{ content: BENIGN, debug }, acme.guard.evaluatePromptSync(BENIGN, { debug })],
    [
      { content: BENIGN, contentType: "response", action: "process_response", debug },
      acme.guard.evaluateResponseSync(BENIGN, { debug }),
    ],
    [
      { content: "{}", contentType: "tool_call", action: "call_tool", tool: { name: "t" }, debug },
      acme.guard.evaluateToolCallSync("t", {}, { debug }),
    ],
    [
      { content: BENIGN, contentType: "file", action: "write_file", file, debug },
      acme.guard.evaluateFileSync(BENIGN, "/a/b.txt", { operation: "write", debug }),
    ],
  ]) {
    assert.deepEqual(action(acme.guard.evaluateSync(long)), action(short));
  }
});

test("a principal acts; another project does not see what this one has", () => {
  const { acme, globex } = withTenants();
  const ada = acme.actingAs({ id: "ada", type: "agent", roles: ["admin"], scopes: ["tools:read"] });
  const { debugInfo } = ada.guard.evaluatePromptSync(BENIGN, { debug: true });
  assert.deepEqual([debugInfo.principalType, debugInfo.principalId], ["Agent", "ada"]);
  acme.policies.putSync("tools", NO_SHELL);
  assert.ok(acme.guard.evaluateToolCallSync("shell").denied);
  assert.ok(globex.guard.evaluateToolCallSync("shell").allowed);
});

test("what a tool gave back is judged as that tool's", async () => {
  const { acme, globex } = withTenants();
  acme.policies.putSync("tools", NO_SHELL);
  const request = { content: BENIGN, contentType: "response", action: "call_tool", tool: { name: "shell", serverId: "s" } };
  const whole = acme.guard.evaluateSync(request);
  for (const answer of [
    acme.guard.evaluateToolResponseSync("shell", BENIGN, { serverId: "s" }),
    await acme.guard.evaluateToolResponse("shell", BENIGN, { serverId: "s" }),
  ]) {
    assert.deepEqual([answer.decision, answer.determiningPolicies], [whole.decision, whole.determiningPolicies]);
  }
  assert.ok(globex.guard.evaluateToolResponseSync("shell", BENIGN).allowed);
  const options = { isBuiltin: true, description: "d", mode: "modify", sessionId: "s", metadata: { a: 1 }, explain: true };
  assert.equal(acme.guard.evaluateToolResponseSync("search", EMAIL, options).passedOn(EMAIL), REDACTED);
  for (const args of [[], ["t"], [5, "x"], ["t", 5], ["t", "x", { arguments: {} }]]) {
    assert.throws(() => acme.guard.evaluateToolResponseSync(...args), { code: "request_invalid" });
    await assert.rejects(acme.guard.evaluateToolResponse(...args), { code: "request_invalid" });
  }
});

test("limits, settings and audit are told in this language's words", async () => {
  const { acme } = withTenants();
  acme.limits.setSync({ id: "a", rate: 2, per: "10s", key: "session", onExceed: "queue", maxWaitMs: 5 });
  acme.limits.setSync({ id: "b", rate: 1, perMs: 60_000, key: "custom", shared: true });
  const found = acme.limits.listSync().map((limit) => [limit.id, limit.perMs, limit.key, limit.onExceed, limit.shared]);
  assert.deepEqual(found, [
    ["a", 10_000, "session", "queue", false],
    ["b", 60_000, "custom", "reject", true],
  ]);
  acme.limits.acquireSync("b", { key: "k" });
  await assert.rejects(acme.limits.acquire("b", { key: "k" }), (error) => error.retryAfterMs > 0);
  acme.limits.removeSync("b");

  const settings = acme.settings.updateSync({ modeFloor: "monitor", auditClass: "required", sessionTtlSeconds: 60 });
  assert.deepEqual(
    [settings.modeFloor, settings.auditClass, settings.redactionOriginals, settings.sessionTtlSeconds],
    ["monitor", "required", true, 60],
  );

  const rows = acme.audit.querySync({ since: 1, limit: 2 });
  assert.deepEqual(rows.map((row) => row.sequence), [2, 3]);
  assert.equal(acme.audit.querySync({ since: "1h" })[0].sequence, 1);
  const head = acme.audit.headSync();
  assert.ok(head instanceof AuditHead);
  assert.equal(String(head), head.toText());
  assert.match(head.toText(), /^tnh1\./);
  assert.ok(acme.audit.verifySync(head).ok);
  assert.ok((await acme.audit.verify(head.toText())).ok);
  assert.ok(!acme.audit.verifySync(head.toText().replace(/\.\d+\./, ".999.")).ok);
});

test("accounts and projects are suspended, resumed and deleted", async () => {
  const { client, acme } = withTenants();
  assert.equal(client.admin.projects.suspendSync("acme", "prod").status, "suspended");
  assert.equal(acme.guard.evaluatePromptSync(BENIGN).code, "suspended");
  assert.equal((await client.admin.projects.resume("acme", "prod")).status, "active");
  assert.equal((await client.admin.accounts.suspend("acme")).status, "suspended");
  client.admin.accounts.resumeSync("acme");
  assert.ok(acme.guard.evaluatePromptSync(BENIGN).allowed);
  client.admin.projects.deleteSync("acme", "prod");
  await client.admin.accounts.delete("globex");
  assert.deepEqual((await client.admin.accounts.list()).map((account) => account.id), ["acme"]);
});
