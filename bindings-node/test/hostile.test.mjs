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
  refused(() => guard.evaluateSync({ content: BENIGN }, { key: "k" }), "request_invalid", /`key`/);
  refused(() => acme.usage.reportSync({ model: "m", tokensUsed: 1 }), "request_invalid", /`tokensUsed`/);
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
  refused(() => guard.evaluateSync({ content: BENIGN }, { idempotencyKey: 7 }));
  refused(() => acme.usage.reportSync());
  refused(() => acme.usage.reportSync({ model: 5 }));
  refused(() => acme.usage.reportSync({ model: "m", inputTokens: 1.5 }));
  refused(() => acme.audit.querySync({ limit: 1.5 }));
  refused(() => acme.audit.querySync({ limit: -1 }));
  refused(() => acme.audit.verifySync({}), "anchor_invalid");
  refused(() => acme.audit.verifySync("nonsense"), "anchor_invalid");
  refused(() => acme.limits.setSync({ id: "a", rate: 1e12, per: "minute" }));
  refused(() => acme.limits.setSync({ id: "a", rate: 1, per: "minute", perMs: 1 }));
  refused(() => acme.limits.setSync({ id: "a", rate: 1 }));
  for (const per of [6, 0, -1, 1.5, true, 6n, [], {}, ["minute"]]) {
    refused(() => acme.limits.setSync({ id: "a", rate: 1, per }), "request_invalid", /`per`.*`minute` or `15m`/);
  }
  assert.throws(() => acme.limits.setSync({ id: "a", rate: 1, per: 6 }), (error) => /`6s`.*`perMs`/.test(error.help));
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

test("half a character becomes the replacement character, but not in names, where two would be one", () => {
  const mode = "modify";
  const answer = guard.evaluateToolCallSync("t", { "\u{1f600}": "ada@example.com \udc00 \ud83d\ude00" }, { mode });
  assert.deepEqual(answer.redactedArguments, { "\u{1f600}": "[EMAIL] \ufffd \u{1f600}" });
  for (const half of ["\ud800", "a\udfff", "\udc00\ud800"]) {
    refused(() => guard.evaluateToolCallSync("t", { [half]: "a" }), "request_invalid", /half a character/);
    refused(() => guard.evaluatePromptSync(BENIGN, { metadata: { deep: [{ [half]: 1 }] } }));
    refused(() => guard.evaluateSync({ content: BENIGN, tool: { name: "t", arguments: { [half]: 1 } } }));
  }
  assert.equal(guard.evaluatePromptSync("ada@example.com \ud800", { mode }).redactedContent, "[EMAIL] \ufffd");
});

test("what a caller's own code throws comes through as it is", async () => {
  const mine = new RangeError("mine");
  const trap = { get mode() { throw mine; } };
  assert.throws(() => guard.evaluatePromptSync(BENIGN, trap), mine);
  await assert.rejects(guard.evaluatePrompt(BENIGN, { metadata: { get a() { throw mine; } } }), mine);
});

test("what does not show all it holds is no data", () => {
  const { proxy: revoked, revoke } = Proxy.revocable([], {});
  revoke();
  const hidden = Object.create(Object.assign(Object.create(null), { a: "secret" }));
  const spoofed = Object.create(Object.assign(Object.create(null), { a: "secret", hasOwnProperty: 1 }));
  const above = Object.create(new Proxy(Object.create(null), {}));
  const proxies = [new Proxy({}, {}), new Proxy(new Map(), {}), new Proxy([1], {}), revoked];
  for (const value of [...proxies, hidden, spoofed, above, { [Symbol("a")]: "secret" }]) {
    refused(() => guard.evaluatePromptSync(BENIGN, value));
    refused(() => guard.evaluatePromptSync(BENIGN, { metadata: value }));
    refused(() => guard.evaluatePromptSync(BENIGN, { metadata: { a: [value] } }));
    refused(() => guard.evaluateToolCallSync("t", { a: value }));
    refused(() => guard.evaluateSync({ content: BENIGN, contexts: value }));
  }
});

test("names that mean something elsewhere are names", () => {
  const fields = JSON.parse('{"__proto__": {"a": "ada@example.com"}, "constructor": "ada@example.com"}');
  const answer = guard.evaluateToolCallSync("t", fields, { mode: "modify" });
  const redacted = JSON.stringify(answer.redactedArguments);
  assert.deepEqual(JSON.parse(redacted), JSON.parse('{"__proto__": {"a": "[EMAIL]"}, "constructor": "[EMAIL]"}'));
});

test("data may be much, up to a point, however it is made", () => {
  let laughs = "x";
  for (let level = 0; level < 60; level += 1) laughs = [laughs, laughs];
  refused(() => guard.evaluatePromptSync(BENIGN, { metadata: { laughs } }), "content_too_large");
  refused(() => guard.evaluateToolCallSync("t", { laughs }), "content_too_large");
  const text = "x".repeat(1024 * 1024);
  refused(() => guard.evaluateToolCallSync("t", { list: Array(100_000).fill(text) }), "content_too_large");
  const started = performance.now();
  refused(() => guard.evaluatePromptSync(BENIGN, { metadata: { list: new Array(2 ** 32 - 1) } }));
  refused(() => guard.evaluateSync({ content: BENIGN, contexts: new Array(2 ** 32 - 1) }));
  assert.ok(performance.now() - started < 1_000);
});

test("messages repeat little of what was given", () => {
  const long = "x".repeat(10_000);
  for (const call of [
    () => guard.evaluatePromptSync(BENIGN, { [long]: 1 }),
    () => guard.evaluatePromptSync(BENIGN, { [long]: new Map() }),
  ]) {
    assert.throws(call, (error) => error instanceof InvalidArgument && error.message.length < 400);
  }
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
