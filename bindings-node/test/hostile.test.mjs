// Input that means harm or makes no sense: refused with a code, never coerced, dropped, or a crash.

import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";

import { InvalidArgument, Tenantry } from "tenantry";

import { BENIGN, withTenants } from "./helpers.mjs";

const { acme, client } = withTenants();
const { guard } = acme;

function nested(levels) {
  let value = {};
  for (let level = 1; level < levels; level += 1) value = { value };
  return value;
}

function refused(call, code = "request_invalid", message = /./) {
  assert.throws(call, (error) => {
    assert.ok(error instanceof InvalidArgument, `${error}`);
    assert.equal(error.code, code, `${error}`);
    assert.match(error.message, message);
    return true;
  });
}

test("a name that is no option is told", () => {
  refused(() => guard.evaluatePromptSync(BENIGN, { session_id: "s" }), "request_invalid", /`session_id`/);
  refused(() => guard.evaluateSync({ content: BENIGN, typo: 1 }), "request_invalid", /`typo`/);
  refused(() => guard.evaluateSync({ content: BENIGN, tool: { name: "t", args: {} } }), "request_invalid", /`args`/);
  refused(() => guard.detectSync(BENIGN, { mode: "enforce" }), "request_invalid", /`mode`/);
  refused(() => new Tenantry({ inMemory: true, folder: "x" }), "request_invalid", /`folder`/);
  refused(() => acme.limits.setSync({ id: "a", rate: 1, per: "minute", burst: 1 }), "request_invalid", /`burst`/);
  refused(() => acme.settings.updateSync({ mode: "enforce" }), "request_invalid", /`mode`/);
  refused(() => acme.audit.querySync({ from: 1 }), "request_invalid", /`from`/);
  refused(() => acme.policies.putSync("p", "", { tier: 1 }), "request_invalid", /`tier`/);
  refused(() => client.admin.accounts.createSync("x", { name: "X" }), "request_invalid", /`name`/);
  refused(() => acme.actingAs({ id: "a", role: "admin" }), "request_invalid", /`role`/);
});

test("a value of the wrong type is told, not coerced", () => {
  for (const content of [undefined, null, 5, true, {}, [], new String("x"), Buffer.from("x"), Symbol("x"), () => "x", 5n]) {
    refused(() => guard.evaluatePromptSync(content));
    refused(() => guard.evaluateSync({ content }));
  }
  for (const options of [5, "x", true, [], () => ({}), new Map(), new Date(), Symbol("x")]) {
    refused(() => guard.evaluatePromptSync(BENIGN, options));
    refused(() => guard.evaluatePromptSync(BENIGN, { metadata: options }));
  }
  refused(() => guard.evaluatePromptSync(BENIGN, { debug: 1 }));
  refused(() => guard.evaluatePromptSync(BENIGN, { sessionId: 7 }));
  refused(() => guard.evaluateSync({ content: BENIGN, contexts: "one" }));
  refused(() => guard.evaluateSync({ content: BENIGN, contexts: ["one", 2] }));
  refused(() => guard.evaluateToolCallSync("t", [1]));
  refused(() => guard.evaluateSync());
  refused(() => acme.audit.querySync({ limit: 1.5 }));
  refused(() => acme.audit.querySync({ limit: -1 }));
  refused(() => acme.audit.verifySync({}), "anchor_invalid");
  refused(() => acme.audit.verifySync("nonsense"), "anchor_invalid");
  refused(() => acme.limits.setSync({ id: "a", rate: 1e12, per: "minute" }));
  refused(() => acme.limits.setSync({ id: "a", rate: 1, per: "minute", perMs: 1 }));
  refused(() => acme.limits.setSync({ id: "a", rate: 1 }));
  refused(() => client.tenantSync("acme"));
  refused(() => new Tenantry({ inMemory: true, deadlineMs: Infinity }));
  refused(() => new Tenantry({ inMemory: true, dataDir: "x" }), "config_invalid");
  refused(() => guard.evaluatePromptSync(BENIGN).passedOn(5));
});

test("data that JSON cannot hold is refused", () => {
  const values = [NaN, Infinity, -Infinity, 5n, () => 1, Symbol("x"), new Map([["a", 1]]), new Set(), new Date(), /x/];
  for (const value of [...values, Buffer.from("x"), Promise.resolve(1), new (class Thing {})(), [undefined], [, 1]]) {
    refused(() => guard.evaluatePromptSync(BENIGN, { metadata: { value } }));
    refused(() => guard.evaluateToolCallSync("t", { list: [{ value }] }));
  }
});

test("data may be deep, up to a point, and never endless", () => {
  assert.ok(guard.evaluatePromptSync(BENIGN, { metadata: { deep: nested(63) } }).allowed);
  refused(() => guard.evaluatePromptSync(BENIGN, { metadata: { deep: nested(65) } }), "request_too_deep");
  refused(() => guard.evaluateToolCallSync("t", { deep: nested(100_000) }), "request_too_deep");
  const cycle = {};
  cycle.self = cycle;
  const list = [];
  list.push(list);
  for (const endless of [cycle, { list }]) {
    refused(() => guard.evaluatePromptSync(BENIGN, { metadata: endless }), "request_too_deep");
  }
});

test("half a character becomes the replacement character, in names too", () => {
  const mode = "modify";
  const answer = guard.evaluateToolCallSync("t", { "\ud800": "ada@example.com \udc00 \ud83d\ude00" }, { mode });
  assert.deepEqual(answer.redactedArguments, { "\ufffd": "[EMAIL] \ufffd \u{1f600}" });
  assert.equal(guard.evaluatePromptSync("ada@example.com \ud800", { mode }).redactedContent, "[EMAIL] \ufffd");
});

test("what a caller's own code throws comes through as it is", async () => {
  const mine = new RangeError("mine");
  const trap = { get mode() { throw mine; } };
  assert.throws(() => guard.evaluatePromptSync(BENIGN, trap), mine);
  await assert.rejects(guard.evaluatePrompt(BENIGN, { metadata: { get a() { throw mine; } } }), mine);
  const proxy = new Proxy({}, { ownKeys() { throw mine; } });
  assert.throws(() => guard.evaluatePromptSync(BENIGN, { metadata: proxy }), mine);
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.throws(() => guard.evaluatePromptSync(BENIGN, revoked), TypeError);
});

test("plain objects of another realm, or without a prototype, are plain", () => {
  const foreign = vm.runInNewContext("({ metadata: { list: [1, { a: 'b' }] } })");
  assert.ok(guard.evaluatePromptSync(BENIGN, foreign).allowed);
  const bare = Object.assign(Object.create(null), { sessionId: "s" });
  assert.equal(guard.evaluatePromptSync(BENIGN, bare).sessionDelta.turnCount, 1);
});

test("a polluted prototype gives no options", () => {
  Object.prototype.sessionId = "polluted";
  try {
    assert.equal(guard.evaluatePromptSync(BENIGN, {}).sessionDelta, undefined);
  } finally {
    delete Object.prototype.sessionId;
  }
});

test("methods need their object", () => {
  const { evaluatePromptSync } = guard;
  assert.throws(() => evaluatePromptSync.call({}, BENIGN), TypeError);
  assert.throws(() => Object.getPrototypeOf(guard).evaluateSync.call(acme.audit, { content: BENIGN }), TypeError);
});

test("errors hold no content", () => {
  const secret = "s3cr3t-s3cr3t";
  for (const call of [
    () => guard.evaluatePromptSync(BENIGN, { debug: secret }),
    () => guard.evaluatePromptSync(BENIGN, { metadata: secret }),
    () => guard.evaluateSync({ content: secret, contexts: secret }),
  ]) {
    assert.throws(call, (error) => !JSON.stringify([String(error), error.stack]).includes(secret));
  }
});
