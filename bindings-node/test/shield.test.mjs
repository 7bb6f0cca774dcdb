// Shield: what wrapped functions receive, return and throw.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BlockedError, InvalidArgument, Shield } from "tenantry";

import { BENIGN, EMAIL, NO_SHELL, REDACTED, withTenants } from "./helpers.mjs";

const { client, acme } = withTenants({ accountId: "acme", projectId: "prod" });
acme.policies.putSync("tools", NO_SHELL);
const shield = new Shield(acme, { mode: "modify", sessionId: "s" });
const unsupported = { name: "InvalidArgument", code: "shield_unsupported" };

test("a prompt reaches the function, redacted where need be", async () => {
  const chat = shield.prompt(async (question, times = 1) => question.repeat(times));
  assert.equal(await chat(BENIGN, 2), BENIGN.repeat(2));
  assert.equal(await chat(EMAIL), REDACTED);
  assert.equal(shield.promptSync((question) => question)(EMAIL), REDACTED);
});

test("the argument that is the text can be named", async () => {
  const chat = shield.prompt((count, text, more) => [count, text, more], { arg: 2 });
  assert.deepEqual(await chat(1, EMAIL, EMAIL), [1, EMAIL, REDACTED]);
});

test("what is not text is refused, not passed on unread", async () => {
  const calls = [];
  const chat = shield.prompt((question) => calls.push(question));
  for (const value of [5, {}, [EMAIL], Buffer.from(EMAIL), undefined]) await assert.rejects(chat(value), unsupported);
  await assert.rejects(chat(), unsupported);
  assert.throws(() => shield.promptSync((question = EMAIL) => question)(), unsupported);
  await assert.rejects(shield.response(() => 5)(), unsupported);
  assert.deepEqual(calls, []);
});

test("a tool that is denied does not run", async () => {
  const calls = [];
  const shell = shield.tool(({ command }) => calls.push(command), { name: "shell" });
  await assert.rejects(shell({ command: "ls" }), (error) => {
    assert.ok(error instanceof BlockedError && error.response.denied);
    return true;
  });
  assert.throws(() => shield.toolSync(function shell() { calls.push("ran"); })(), BlockedError);
  assert.deepEqual(calls, []);
});

test("a tool's arguments are redacted in place, and are the function's own", async () => {
  const send = shield.tool(async (fields) => {
    fields.seen = true;
    return fields;
  }, { name: "send" });
  const given = { to: [EMAIL, { cc: EMAIL }], n: 7, later: undefined };
  assert.deepEqual(await send(given), { to: [REDACTED, { cc: REDACTED }], n: 7, later: undefined, seen: true });
  assert.deepEqual(given.to[0], EMAIL);
});

test("positional arguments are named, all of them", async () => {
  const names = ["to", "text"];
  const mail = shield.tool((to, text) => [to, text], { name: "mail", names });
  assert.deepEqual(await mail("ann", EMAIL), ["ann", REDACTED]);
  assert.deepEqual(shield.toolSync((to) => to, { name: "mail", names })(EMAIL), REDACTED);
  await assert.rejects(mail("ann", EMAIL, "more"), unsupported);
  await assert.rejects(shield.tool((a, b) => [a, b], { name: "t" })({ a: 1 }, 2), unsupported);
  await assert.rejects(shield.tool((a) => a, { name: "t" })("text"), unsupported);
});

test("what comes out is guarded", async () => {
  const answer = () => EMAIL;
  assert.equal(await shield.response(answer)(), REDACTED);
  assert.equal(await shield.modelresponse(async () => EMAIL)(), REDACTED);
  assert.equal(await shield.toolresponse(answer)(), REDACTED);
  assert.equal(shield.responseSync(answer)(), REDACTED);
  assert.equal(shield.toolresponseSync(answer, { name: "mail" })(), REDACTED);
  assert.equal(shield.responseSync(() => undefined)(), undefined);
  await assert.rejects(shield.toolresponse(() => BENIGN, { name: "shell" })(), BlockedError);
});

test("methods keep their object, wrappers their name, errors their way", async () => {
  const bot = { name: "bot", chat: shield.prompt(function chat(text) { return `${this.name}: ${text}`; }) };
  assert.equal(await bot.chat(BENIGN), `bot: ${BENIGN}`);
  assert.equal(bot.chat.name, "chat");
  const failing = shield.prompt(() => { throw new RangeError("mine"); });
  await assert.rejects(failing(BENIGN), RangeError);
});

test("a client with a project of its own is guarded as well; bad options are told", async () => {
  assert.equal(await new Shield(client).prompt((text) => text, { mode: "modify" })(EMAIL), REDACTED);
  await assert.rejects(new Shield(acme, { mode: "off" }).prompt((text) => text)(BENIGN), InvalidArgument);
});
