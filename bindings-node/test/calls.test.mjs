// Promising and waiting: what runs where, and that one answers as the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { performance } from "node:perf_hooks";

import { BENIGN, hooks, withTenants } from "./helpers.mjs";

test("a hundred calls at once", async () => {
  const { acme } = withTenants();
  const options = { sessionId: "together" };
  const calls = Array.from({ length: 100 }, (_, n) => acme.guard.evaluatePrompt(`question ${n}`, options));
  const answers = await Promise.all(calls);
  assert.ok(answers.every((answer) => answer.allowed));
  assert.equal(new Set(answers.map((answer) => answer.requestId)).size, 100);
  const turns = answers.map((answer) => answer.sessionDelta.turnCount).sort((a, b) => a - b);
  assert.deepEqual(turns, Array.from({ length: 100 }, (_, n) => n + 1));
});

test("every operation has both forms", () => {
  const { client, acme } = withTenants();
  const { admin } = client;
  const { issuers, keys, tokens } = client.identity;
  const credentials = [client.identity, issuers, keys, tokens, admin.grants];
  const tenants = [acme.guard, acme.usage, acme.policies, acme.limits, acme.settings, acme.audit];
  const rooms = [client, admin.accounts, admin.projects, ...credentials, ...tenants];
  for (const room of rooms) {
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(room));
    const waiting = names.filter((name) => name.endsWith("Sync")).map((name) => name.slice(0, -4));
    assert.ok(waiting.length > 0);
    for (const name of waiting) assert.ok(names.includes(name), name);
    const methods = names.filter((name) => {
      const { value } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(room), name);
      return typeof value === "function" && name !== "constructor" && !name.endsWith("Sync");
    });
    assert.deepEqual(methods.sort(), waiting.sort());
  }
});

test("a promise is what comes back, also of a call that fails at once", async () => {
  const { acme } = withTenants();
  const failing = acme.guard.evaluatePrompt(5);
  assert.ok(failing instanceof Promise);
  await assert.rejects(failing, { code: "request_invalid" });
  assert.ok(acme.guard.evaluatePrompt(BENIGN) instanceof Promise);
});

test("much content does not hold up the event loop", async () => {
  const { acme } = withTenants({ deadlineMs: 60_000 });
  const content = "an ordinary sentence about nothing in particular. ".repeat(20_000);
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const started = performance.now();
  const response = await acme.guard.evaluatePrompt(content);
  const took = performance.now() - started;
  clearInterval(timer);
  assert.ok(response.allowed);
  assert.ok(longest < Math.max(100, took / 2), `a turn took ${longest} ms of ${took} ms`);
});

test("what weighs is all the text of a call, and the trail is never read on the loop's thread", async () => {
  const { acme } = withTenants({ deadlineMs: 60_000 });
  const { guard, policies, audit } = acme;
  const much = "an ordinary sentence. ".repeat(4_000);
  const native = hooks.Guard.prototype;
  const answers = [];
  for (const name of ["evaluate", "evaluatePrompt", "evaluateToolCall"]) {
    const original = native[name];
    native[name] = function (...args) { const answer = original.apply(this, args); answers.push(typeof answer); return answer; };
  }
  const { operate } = hooks.Tenant.prototype;
  hooks.Tenant.prototype.operate = function (...args) {
    const answer = operate.apply(this, args);
    answers.push(typeof answer);
    return answer;
  };
  await guard.evaluatePrompt(BENIGN);
  answers.length = 0;
  await guard.evaluatePrompt(BENIGN);
  assert.deepEqual(answers, ["string"]);
  answers.length = 0;
  await guard.evaluatePrompt(BENIGN, { metadata: { much } });
  await guard.evaluate({ content: BENIGN, contexts: [much] });
  await guard.evaluateToolCall("t", { list: [much] });
  await guard.evaluateToolCall("t", {}, { description: much });
  await policies.put("p", `// ${much}\npermit (principal, action, resource);`).catch(() => undefined);
  await audit.query();
  await audit.verify();
  await acme.settings.get();
  assert.deepEqual(answers, [...Array(7).fill("object"), "string"]);
});

test("a queue is waited for without holding up the loop", async () => {
  const { acme } = withTenants();
  acme.limits.setSync({ id: "line", rate: 1, perMs: 200, onExceed: "queue", maxWaitMs: 5_000 });
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 5);
  const answers = await Promise.all(Array.from({ length: 4 }, () => acme.guard.evaluatePrompt(BENIGN)));
  clearInterval(timer);
  assert.ok(answers.every((answer) => answer.allowed));
  assert.ok(ticks > 10, `${ticks} turns of the loop`);
});

test("the client's own project", async () => {
  const { client } = withTenants({ accountId: "acme", projectId: "prod" });
  assert.ok((await client.guard.evaluatePrompt(BENIGN)).allowed);
  assert.equal(client.policies.listSync()[0].name, "baseline");
  assert.ok((await client.usage.report({ model: "gpt-4o" })).recorded);
  assert.deepEqual(client.limits.listSync(), []);
  assert.equal(client.settings.getSync().modeFloor, "enforce");
  assert.ok(client.audit.headSync().sequence > 0);
  assert.throws(() => withTenants().client.guard, { name: "InvalidArgument" });
});
