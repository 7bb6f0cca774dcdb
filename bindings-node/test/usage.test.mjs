// What model calls cost, the detectors there are, and requests that are repeated under their key.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Detector } from "tenantry";

import { BENIGN, withTenants } from "./helpers.mjs";

test("a model call is written down once, in both forms", async () => {
  const { acme, globex } = withTenants();
  const call = { model: "gpt-4o", provider: "openai", inputTokens: 1_000, outputTokens: 100, usageId: "call-1" };
  const first = await acme.usage.report(call);
  assert.deepEqual(first.toJSON(), { cost_micros: 3_500, priced: true, recorded: true });
  assert.equal(inspect(first), "UsageReceipt { costMicros: 3500, priced: true, recorded: true }");
  assert.equal(acme.usage.reportSync({ ...call, sessionId: "s" }).recorded, false);
  assert.deepEqual(globex.usage.reportSync(call), first);
});

test("without an id each report is a call of its own; nonsense is refused", async () => {
  const { acme } = withTenants();
  const cached = { cacheReadTokens: 10, cacheWriteTokens: 20, cacheWrite1hTokens: 30 };
  assert.equal(acme.usage.reportSync({ model: "claude-sonnet-4-5", ...cached }).costMicros, 3 + 75 + 180);
  for (let time = 0; time < 2; time += 1) {
    const { costMicros, priced, recorded } = await acme.usage.report({ model: "a model of ours", usageId: null });
    assert.deepEqual([costMicros, priced, recorded], [0, false, true]);
  }
  for (const fields of [{ model: "" }, { model: "gpt-4o", inputTokens: -1 }]) {
    await assert.rejects(acme.usage.report(fields), { name: "InvalidArgument", code: "usage_invalid" });
  }
});

test("detectors tell the keys they write", async () => {
  const { acme } = withTenants();
  const found = await acme.guard.detectors();
  const secrets = found.find(({ name }) => name === "secrets");
  assert.ok(secrets instanceof Detector && secrets.version !== "" && secrets.description !== "");
  assert.deepEqual([secrets.status, secrets.tier, secrets.category], ["healthy", "fast", "secrets"]);
  assert.equal(secrets.contextKeys[0].type, "bool");
  assert.deepEqual(acme.guard.detectorsSync(), found);
});

test("a repeated request is answered as it was", async () => {
  const { acme, globex } = withTenants();
  acme.limits.setSync({ id: "calls", rate: 1, per: "day" });
  const request = { content: BENIGN, sessionId: "s" };
  const first = await acme.guard.evaluate(request, { idempotencyKey: "k-1" });
  assert.deepEqual(acme.guard.evaluateSync(request, { idempotencyKey: "k-1" }), first);
  assert.equal(acme.guard.evaluateSync(request, { idempotencyKey: "k-2" }).code, "limit_exceeded");
  assert.notEqual(globex.guard.evaluateSync(request, { idempotencyKey: "k-1" }).requestId, first.requestId);
  for (const [idempotencyKey, code] of [["k-1", "idempotency_key_reused"], ["", "idempotency_key_invalid"]]) {
    await assert.rejects(acme.guard.evaluate({ content: "else" }, { idempotencyKey }), { name: "InvalidArgument", code });
  }
});
