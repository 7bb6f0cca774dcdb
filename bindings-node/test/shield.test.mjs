// Shield: what wrapped functions receive, return and throw.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BlockedError, Shield } from "tenantry";

import { BENIGN, EMAIL, NO_SHELL, REDACTED, withTenants } from "./helpers.mjs";

const { client, acme } = withTenants({ accountId: "acme", projectId: "prod" });
acme.policies.putSync("tools", NO_SHELL);
const shield = new Shield(acme, { mode: "modify", sessionId: "s" });
const misconfigured = { name: "InvalidArgument", code: "config_invalid" };
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
  assert.throws(() => new Shield(acme, { mode: "off" }), misconfigured);
});

test("options that mean nothing are told when wrapping", () => {
  const id = (text) => text;
  for (const options of [{ mod: "enforce" }, { Arg: 1 }, { sessionId: 5 }, { mode: 1 }, [], 5, "x", new Map()]) {
    assert.throws(() => new Shield(acme, options), misconfigured);
    for (const wrap of ["prompt", "tool", "response", "toolresponse", "modelresponse"]) {
      assert.throws(() => shield[wrap](id, options), misconfigured, wrap);
    }
    for (const wrap of ["promptSync", "toolSync", "responseSync", "toolresponseSync"]) {
      assert.throws(() => shield[wrap](id, options), misconfigured, wrap);
    }
  }
  for (const arg of ["0", -1, 0.5, NaN, Infinity, true, {}]) assert.throws(() => shield.prompt(id, { arg }), misconfigured);
  for (const names of [["x", "x"], [, "x"], [""], [5], "x", {}, ["\ud800"]]) {
    assert.throws(() => shield.tool(id, { names }), misconfigured);
  }
  for (const name of ["", " ", 5, {}]) assert.throws(() => shield.tool(id, { name }), misconfigured);
  for (const target of [undefined, null, 5, {}]) assert.throws(() => shield.prompt(target), misconfigured);
  for (const tenant of [{}, null, undefined, 5, client.tenant("acme", "prod")]) {
    assert.throws(() => new Shield(tenant), misconfigured);
  }
});

test("null is absent, and options are read once", async () => {
  assert.equal(await shield.prompt((text) => text, { arg: null, mode: null, sessionId: null })(EMAIL), REDACTED);
  assert.equal(await new Shield(acme, null).prompt((text) => text, null)(BENIGN), BENIGN);
  assert.deepEqual(await shield.tool(function send(fields) { return fields; }, { name: null, names: null })({ to: EMAIL }), { to: REDACTED });
  const options = { arg: 0 };
  const chat = shield.prompt((text) => text, options);
  options.arg = 1;
  assert.equal(await chat(EMAIL), REDACTED);
});

test("a tool gets what was read and nothing else", async () => {
  const id = (...args) => args;
  const changing = { to: "ann", list: ["a"] };
  const pending = shield.tool(id, { name: "t" })(changing);
  Object.assign(changing, { to: EMAIL });
  changing.list.push(EMAIL);
  assert.deepEqual(await pending, [{ to: "ann", list: ["a"] }]);

  let reads = 0;
  const getter = { get to() { return reads++ === 0 ? "ann" : EMAIL; } };
  assert.deepEqual(shield.toolSync(id, { name: "t" })(getter), [{ to: "ann" }]);

  const hidden = Object.defineProperty({ a: Object.assign(["x"], { extra: EMAIL }) }, "more", { value: EMAIL });
  const [got] = shield.toolSync(id, { name: "t" })(hidden);
  assert.deepEqual([Object.getOwnPropertyNames(got), Object.keys(got.a)], [["a"], ["0"]]);
  assert.throws(() => shield.toolSync(id, { name: "t" })({ [Symbol("a")]: EMAIL }), { code: "request_invalid" });
  assert.throws(() => shield.toolSync(id, { name: "t" })({ "\ud800": EMAIL, "\udc00": "" }), { code: "request_invalid" });

  const list = ["a"];
  const positional = shield.tool(id, { name: "t", names: ["one", "two"] })(list, { b: "c" });
  list.push(EMAIL);
  assert.deepEqual(await positional, [["a"], { b: "c" }]);
});

test("a promise where an answer is due is refused, and its failure ends nothing", async () => {
  const failing = shield.responseSync(async () => { throw new RangeError("late"); });
  assert.throws(failing, unsupported);
  await new Promise((resolved) => setTimeout(resolved, 20));
});

test("what has no name that a policy could mean is refused until it is given one", async () => {
  const nameless = { name: "InvalidArgument", code: "tool_name_required" };
  function shell(fields) { return fields; }
  const key = Symbol("shell");
  const named = (name) => Object.defineProperty((fields) => fields, "name", { value: name });
  const getter = Object.getOwnPropertyDescriptor({ get shell() { return 1; } }, "shell").get;
  const setter = Object.getOwnPropertyDescriptor({ set shell(value) {} }, "shell").set;
  const targets = [
    (fields) => fields, async (fields) => fields, function (fields) { return fields; }, async function (fields) { return fields; },
    class {}, (() => (fields) => fields)(), [(fields) => fields][0], shell.bind(null), shell.bind(null).bind(null), ((fields) => fields).bind({}),
    new Function("fields", "return fields"), { [key](fields) { return fields; } }[key], { [Symbol()](fields) { return fields; } }, getter, setter,
    named(""), named(" "), named("\n"), named(5), named(undefined), named(null), named({}), named("bound shell"), named("default"), named("anonymous"),
    named("[shell]"),
  ].filter((target) => typeof target === "function");
  assert.equal(targets.length, 25);
  for (const target of targets) {
    for (const wrap of ["tool", "toolSync", "toolresponse", "toolresponseSync"]) {
      for (const options of [undefined, null, {}, { name: undefined }, { name: null }]) {
        assert.throws(() => shield[wrap](target, options), nameless, `${wrap} ${String(target)}`);
      }
      assert.equal(typeof shield[wrap](target, { name: "shell" }), "function");
    }
  }
  const arrow = (fields) => fields;
  const { method } = { method(fields) { return fields; } };
  class Kit { #own(fields) { return fields; } static run(fields) { return fields; } own() { return this.#own; } }
  for (const target of [shell, arrow, method, Kit.run, new Kit().own(), named("db.query"), named("my tool"), named("getter"), named("boundary")]) {
    for (const wrap of ["tool", "toolSync", "toolresponse", "toolresponseSync"]) assert.equal(typeof shield[wrap](target), "function");
  }
  // The name that is given is the one that is judged.
  await assert.rejects(shield.tool((fields) => fields, { name: "shell" })({ command: "ls" }), BlockedError);
  assert.throws(() => shield.toolSync(shell.bind(null), { name: "shell" })({ command: "ls" }), BlockedError);
  assert.throws(() => shield.toolSync(shell)({ command: "ls" }), BlockedError);
});
