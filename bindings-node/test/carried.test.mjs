// Shield: whatever a tool is called with is judged; what is rewritten comes back in its type; the rest is refused by name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { BlockedError, Shield } from "tenantry";

import { BENIGN, EMAIL, REDACTED, SECRET, withTenants } from "./helpers.mjs";

const { client, acme } = withTenants();
acme.policies.attachPackSync("strict");
const shield = new Shield(acme, { mode: "modify" });
const same = (fields) => fields;
const search = shield.toolSync(same, { name: "search" });
const soon = shield.tool(async (fields) => fields, { name: "search" });

class Dto {
  constructor(text) {
    this.text = text;
  }
  get loud() {
    return this.text.toUpperCase();
  }
}
class Deep extends Dto {
  constructor(text) {
    super(text);
    this.inner = new Dto(text);
  }
}
class Rows extends Array {}
class Table extends Map {}

/** Values of every kind that can be rewritten, made of a text. */
const typed = {
  string: (text) => text,
  array: (text) => [text, 1, null],
  "subclass of Array": (text) => Rows.from([text]),
  object: (text) => ({ a: { b: text } }),
  "object without a prototype": (text) => Object.assign(Object.create(null), { a: text }),
  map: (text) => new Map([["a", text], ["b", new Map([[5, text]])]]),
  "map with keys of every kind": (text) => new Map([[1, text], [2n, 1], [true, 2], [null, 3]]),
  "subclass of Map": (text) => new Table([["a", text]]),
  set: (text) => new Set([text, 5]),
  instance: (text) => new Dto(text),
  "instance in an instance": (text) => new Deep(text),
  buffer: (text) => Buffer.from(text),
  bytes: (text) => new TextEncoder().encode(text),
  "value of another realm": (text) => runInNewContext("({ list: [text], when: new Map([['a', text]]) })", { text }),
};

for (const [what, make] of Object.entries(typed)) {
  test(`${what} comes back in its type, rewritten where need be`, async () => {
    for (const text of [BENIGN, EMAIL]) {
      const given = make(text);
      const expected = make(text === EMAIL ? REDACTED : text);
      for (const passed of [search({ value: given }), await soon({ value: given })]) {
        if (what !== "object without a prototype" && what !== "value of another realm") {
          assert.deepStrictEqual(passed.value, expected);
        }
        assert.doesNotMatch(JSON.stringify(passed, shown), /ada@/);
        if (typeof given === "object") assert.notEqual(passed.value, given);
      }
      assert.match(JSON.stringify({ given }, shown), text === EMAIL ? /ada@/ : /France/);
    }
    assert.throws(() => search({ value: make(SECRET) }), BlockedError);
    await assert.rejects(soon({ value: [make(SECRET)] }), BlockedError);
    const named = shield.toolSync(same, { name: "search", names: ["value"] });
    assert.throws(() => named(make(SECRET)), BlockedError);
    assert.doesNotMatch(JSON.stringify(named(make(EMAIL)), shown), /ada@/);
  });
}

function shown(_key, value) {
  if (value instanceof Uint8Array || value?.type === "Buffer") return Buffer.from(value.data ?? value).toString();
  return value instanceof Map || value instanceof Set ? [...value] : typeof value === "bigint" ? String(value) : value;
}

test("a tool may take one instance or one map of its arguments", () => {
  assert.deepStrictEqual(search(new Dto(EMAIL)), new Dto(REDACTED));
  assert.equal(search(new Dto(EMAIL)).loud, REDACTED.toUpperCase());
  assert.deepStrictEqual(search(new Map([["a", EMAIL]])), new Map([["a", REDACTED]]));
  assert.throws(() => search(new Dto(SECRET)), BlockedError);
});

test("what its text tells all of is judged, and stays itself", async () => {
  const date = new Date(Date.UTC(2026, 10, 29, 9, 38));
  const url = new URL("https://example.org/a?b=c");
  const told = [date, url, 5n, 2n ** 70n, 1.5, -0, NaN, Infinity, null, true, undefined, new Float32Array([0.5, 2])];
  for (const value of told) {
    const passed = (await soon({ value, list: [value], text: EMAIL }));
    assert.equal(passed.text, REDACTED);
    assert.deepStrictEqual(passed.value, value);
    assert.deepStrictEqual(passed.list, [value]);
  }
  assert.notEqual(search({ date }).date, date);
  assert.ok(Number.isNaN(search({ date: new Date(NaN) }).date.getTime()));
  assert.throws(() => search({ url: new URL("https://example.org/?key=AKIAIOSFODNN7EXAMPLE") }), BlockedError);
});

test("what is passed on is what was judged, also where the caller changes it meanwhile", async () => {
  const [date, map, set, dto, buffer] = [new Date(0), new Map([["a", "b"]]), new Set(["a"]), new Dto("a"), Buffer.from("a")];
  const pending = soon({ date, map, set, dto, buffer });
  date.setTime(5);
  map.set("a", EMAIL);
  set.add(EMAIL);
  dto.text = EMAIL;
  buffer[0] = 66;
  assert.deepStrictEqual(await pending, {
    date: new Date(0), map: new Map([["a", "b"]]), set: new Set(["a"]), dto: new Dto("a"), buffer: Buffer.from("a"),
  });
});

class Hidden {
  #text = EMAIL;
  constructor() {
    this.shown = "a";
  }
  text() {
    return this.#text;
  }
}

test("what is private to an instance is not carried over", () => {
  const { value } = search({ value: new Hidden() });
  assert.throws(() => value.text(), TypeError);
  assert.equal(value.shown, "a");
});

const unreadable = {
  "a function": () => () => SECRET,
  "a symbol": () => Symbol(SECRET),
  "a promise": () => Promise.resolve(SECRET),
  "a generator": () => (function* () { yield SECRET; })(),
  "an iterator": () => [SECRET].values(),
  "a weak map": () => new WeakMap(),
  "an error": () => new Error(SECRET),
  "a regular expression": () => new RegExp(SECRET),
  "a text in an object": () => new String(SECRET),
  "a proxy": () => new Proxy({}, {}),
  "headers": () => new Headers({ a: SECRET }),
  "a blob": () => new Blob([SECRET]),
  "an instance without fields": () => new (class Empty {})(),
  "an instance with a symbol": () => Object.assign(new Dto("a"), { [Symbol("a")]: SECRET }),
  "an array buffer": () => new TextEncoder().encode(SECRET).buffer,
  "bytes that are no text": () => Buffer.from([0xff, 0xfe]),
  "bytes of UTF-16": () => Buffer.from(SECRET, "utf16le"),
  "a list with a hole": () => [, SECRET],
  "a map with an object as key": () => new Map([[{}, SECRET]]),
  "a map with two keys that read the same": () => new Map([[1, "a"], ["1", SECRET]]),
};

test("what cannot be read is refused by the name of its argument", async () => {
  const ran = [];
  const tool = (fields) => void ran.push(fields);
  for (const [what, make] of Object.entries(unreadable)) {
    for (const wrap of [(value) => value, (value) => [value], (value) => ({ a: [value] }), (value) => new Map([["a", value]])]) {
      const check = (error) => {
        assert.equal(error.code, "shield_unsupported", `${what}: ${error}`);
        assert.match(error.message, /`filters` of `search`/, what);
        assert.doesNotMatch(String(error), /AKIA/);
        return true;
      };
      const named = Object.defineProperty(tool, "name", { value: "search" });
      assert.throws(() => shield.toolSync(named)({ query: "a", filters: wrap(make()) }), check);
      await assert.rejects(shield.tool(named)({ query: "a", filters: wrap(make()) }), check);
      assert.throws(() => shield.toolSync(named, { names: ["query", "filters"] })("a", wrap(make())), check);
    }
  }
  for (const whole of [new Date(), new Set([SECRET]), Buffer.from("a"), new URL("https://example.org"), [SECRET], () => SECRET]) {
    assert.throws(() => search(whole), { code: "shield_unsupported" });
  }
  assert.deepEqual(ran, []);
});

test("what cannot be rewritten where it stands is not passed on", () => {
  const refused = (error) => error instanceof BlockedError || error.code === "shield_unsupported";
  for (const value of [4111111111111111, 4111111111111111n, new Map([[EMAIL, 1]]), { [EMAIL]: 1 }]) {
    assert.throws(() => search({ value }), refused);
  }
});

test("what holds itself or is endless ends", () => {
  const circle = [];
  circle.push(circle);
  let wide = ["a"];
  for (let level = 0; level < 60; level += 1) wide = [wide, wide];
  for (const value of [circle, wide, new Map([["a", circle]]), new Set([wide])]) {
    assert.throws(() => search({ value }), { name: "InvalidArgument" });
  }
});

test("a text that is refused is named as well", async () => {
  await assert.rejects(shield.prompt(function ask(a, text) { return text; }, { arg: 1 })(1, 5), /argument 1 of `ask`/);
  await assert.rejects(shield.response(function ask() { return 5; })(), /what `ask` returned/);
});

test.after(() => client.closeSync());
