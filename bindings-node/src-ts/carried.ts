// What guarded functions are called with: read once, as the plain data that is judged, and made again of what was judged, in
// the types it came in. Nothing is passed on unread: what cannot be read is refused.

import { types } from "node:util";

import { MAX_LEVELS, MAX_UNITS, MAX_VALUES, put, shortened, wellFormed } from "./data.js";
import { InvalidArgument } from "./errors.js";
import type { Json, JsonObject } from "./requests.js";

/** A value as it is judged, and what a function gets in its place: made of what `judged` has become. */
export interface Carried<J = Judged> {
  readonly judged: J;
  passed(after: Judged): unknown;
}

type Judged = Json | undefined;

interface Reading {
  values: number;
  units: number;
}

/** Says of a value why it cannot be guarded. */
type Refuse = (why: string) => InvalidArgument;

/**
 * Reads the arguments of a call, by name.
 *
 * @throws InvalidArgument `shield_unsupported`, which names the argument, for what cannot be read; `request_invalid` for names
 * that are symbols or no text.
 */
export function carried(callee: string, args: object): Carried<JsonObject> {
  const refuse = (name: string): Refuse => (why) => {
    const message = `argument \`${shortened(name)}\` of \`${shortened(callee)}\`: ${why}`;
    return new InvalidArgument(message, { code: "shield_unsupported", help: GUARDED });
  };
  const reading = { values: 0, units: 0 };
  const all = refuse("arguments");
  if (types.isProxy(args)) throw all("a proxy cannot be read");
  if (types.isSet(args) || special(args, reading, all) !== undefined) throw all(`${described(args)} has no fields by name`);
  const whole = types.isMap(args) ? map(args, MAX_LEVELS, reading, all) : fields(args, MAX_LEVELS, reading, all, refuse);
  return whole as Carried<JsonObject>;
}

const GUARDED =
  "guard strings, numbers, bigints, booleans, null, dates, URLs, bytes that are UTF-8, and arrays, objects, maps, sets and " +
  "instances with fields of their own";

function read(value: unknown, levels: number, reading: Reading, refuse: Refuse): Carried {
  reading.values += 1;
  if (typeof value === "string") return leaf(value, value, reading, refuse, (text) => text);
  if (reading.values > MAX_VALUES) throw tooLarge();
  if (typeof value === "bigint") return leaf(value.toString(), value, reading, refuse);
  if (typeof value === "number") {
    // What JSON has no number for is judged as its text.
    return Number.isFinite(value) ? fixed(value, refuse) : leaf(String(value), value, reading, refuse);
  }
  if (typeof value === "boolean" || value === null || value === undefined) return fixed(value, refuse);
  if (typeof value !== "object") throw refuse(`a ${typeof value} cannot be guarded`);
  if (types.isProxy(value)) throw refuse("a proxy cannot be read");
  // The core refuses what nests less deep than this already, and audits that.
  if (levels === 0) return fixed(null, refuse);
  if (Array.isArray(value)) return array(value, levels - 1, reading, refuse);
  if (types.isMap(value)) return map(value, levels - 1, reading, refuse);
  if (types.isSet(value)) {
    const items = [...Set.prototype.values.call(value)].map((item) => read(item, levels - 1, reading, refuse));
    return list(items, refuse, (passed) => like(value, new Set(passed)));
  }
  return special(value, reading, refuse) ?? fields(value, levels - 1, reading, refuse);
}

/** What is judged as a text. Without `made` it has no other text than its own. */
function leaf(
  text: string,
  value: unknown,
  reading: Reading,
  refuse: Refuse,
  made?: (text: string) => unknown,
): Carried<string> {
  reading.units += text.length;
  if (reading.units > MAX_UNITS || reading.values > MAX_VALUES) throw tooLarge();
  return {
    judged: text,
    passed(after) {
      if (after === text) return value;
      if (made === undefined || typeof after !== "string") throw refuse(`${STANDS}; give it as a string`);
      return made(after);
    },
  };
}

const STANDS = "what was found in it cannot be rewritten there";

function fixed(value: number | boolean | null | undefined, refuse: Refuse): Carried {
  return {
    judged: value,
    passed(after) {
      if (after === value || (Object.is(value, -0) && after === 0)) return value;
      throw refuse(STANDS);
    },
  };
}

function array(value: readonly unknown[], levels: number, reading: Reading, refuse: Refuse): Carried {
  const items: Carried[] = [];
  const { length } = value;
  for (let index = 0; index < length; index += 1) {
    // A list with holes may claim any length.
    if (!Object.hasOwn(value, index)) throw refuse("a list with a hole in it cannot be guarded");
    items.push(read(value[index], levels, reading, refuse));
  }
  return list(items, refuse, (passed) => like(value, passed));
}

function list(items: readonly Carried[], refuse: Refuse, made: (passed: unknown[]) => unknown): Carried {
  return {
    judged: items.map(({ judged }) => (judged === undefined ? null : judged)),
    passed(after) {
      if (!Array.isArray(after) || after.length !== items.length) throw refuse(STANDS);
      return made(items.map((item, at) => item.passed(item.judged === undefined ? undefined : (after[at] as Json))));
    },
  };
}

function map(value: Map<unknown, unknown>, levels: number, reading: Reading, refuse: Refuse): Carried {
  const keys = new Map<string, unknown>();
  const entries: [string, Carried][] = [];
  for (const [key, item] of Map.prototype.entries.call(value)) {
    const { judged } = read(key, levels, reading, refuse);
    if (typeof judged === "object" && judged !== null) throw refuse("a key of a map that is an object cannot be guarded");
    const name = String(judged);
    if (keys.has(name)) throw refuse("a map with two keys that are the same as text cannot be guarded");
    if (!wellFormed(name)) throw refuse("a key of a map that holds half a character cannot be guarded");
    keys.set(name, key);
    entries.push([name, read(item, levels, reading, refuse)]);
  }
  return object(entries, refuse, (passed) => {
    return like(value, new Map(passed.map(([name, item]) => [keys.get(name), item])));
  });
}

function fields(
  value: object,
  levels: number,
  reading: Reading,
  refuse: Refuse,
  named: (name: string) => Refuse = () => refuse,
): Carried {
  const above = Object.getPrototypeOf(value) as object | null;
  const plain = isPlain(above);
  if (Object.getOwnPropertySymbols(value).length > 0) {
    if (!plain) throw refuse(`${described(value)} cannot be guarded`);
    throw new InvalidArgument("arguments have symbols as names", { code: "request_invalid" });
  }
  const names = Object.keys(value);
  // What is known of an instance are its own fields. Of one without any nothing is.
  if (!plain && names.length === 0) throw refuse(`of ${described(value)} nothing can be read`);
  const entries = names.map((name): [string, Carried] => {
    // Two different names of this kind would become one.
    if (!wellFormed(name)) throw new InvalidArgument("a name holds half a character", { code: "request_invalid" });
    reading.units += name.length;
    return [name, read((value as Readonly<Record<string, unknown>>)[name], levels, reading, named(name))];
  });
  return object(entries, refuse, (passed) => {
    const copy = (plain ? {} : Object.create(above)) as Record<string, unknown>;
    for (const [name, item] of passed) put(copy, name, item);
    return copy;
  });
}

function object(
  entries: readonly [string, Carried][],
  refuse: Refuse,
  made: (passed: [string, unknown][]) => unknown,
): Carried<JsonObject> {
  const judged: Record<string, Json> = {};
  for (const [name, item] of entries) if (item.judged !== undefined) put(judged, name, item.judged);
  return {
    judged,
    passed(after) {
      if (typeof after !== "object" || after === null) throw refuse(STANDS);
      const found = after as JsonObject;
      return made(entries.map(([name, item]) => [name, item.passed(item.judged === undefined ? undefined : found[name])]));
    },
  };
}

/** What has no fields of its own, and says in text what it is. */
function special(value: object, reading: Reading, refuse: Refuse): Carried | undefined {
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    const text = Number.isNaN(time) ? "Invalid Date" : new Date(time).toISOString();
    return leaf(text, like(value, new Date(time)), reading, refuse);
  }
  if (types.isUint8Array(value)) return bytes(value, reading, refuse);
  if (types.isTypedArray(value)) {
    const items = Array.from(value as unknown as ArrayLike<number | bigint>, (item) => {
      return read(item, MAX_LEVELS, reading, refuse);
    });
    const copy = structuredClone(value);
    return list(items, refuse, (passed) => (passed.length === items.length ? copy : undefined));
  }
  if (value instanceof URL) return leaf(value.href, new URL(value.href), reading, refuse, (text) => new URL(text));
  const foreign =
    types.isAnyArrayBuffer(value) ||
    types.isBoxedPrimitive(value) ||
    types.isDataView(value) ||
    types.isExternal(value) ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isModuleNamespaceObject(value) ||
    types.isNativeError(value) ||
    types.isPromise(value) ||
    types.isRegExp(value) ||
    types.isSetIterator(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value);
  if (foreign) throw refuse(`${described(value)} cannot be guarded`);
  return undefined;
}

function bytes(value: Uint8Array, reading: Reading, refuse: Refuse): Carried {
  const copy = Uint8Array.prototype.slice.call(value);
  let text = "\0";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(copy);
  } catch {
    // No UTF-8; so is what has a zero in it, such as UTF-16.
  }
  if (text.includes("\0")) throw refuse("bytes that are no UTF-8 text cannot be guarded");
  return leaf(text, like(value, copy), reading, refuse, (after) => like(value, new TextEncoder().encode(after)));
}

/** `copy` as an instance of what `value` is one of. */
function like<T extends object>(value: object, copy: T): T {
  const above = Object.getPrototypeOf(value) as object | null;
  return above === Object.getPrototypeOf(copy) ? copy : (Object.setPrototypeOf(copy, above) as T);
}

/** Whether this stands above literals, of this realm or another. */
function isPlain(above: object | null): boolean {
  if (above === Object.prototype || above === null) return true;
  if (types.isProxy(above) || Object.getPrototypeOf(above) !== null) return false;
  return Object.hasOwn(above, "hasOwnProperty") && Object.keys(above).length === 0;
}

function described(value: object): string {
  const above = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: unknown } } | null;
  const name = above?.constructor?.name;
  return typeof name === "string" && name !== "" ? `a value of type \`${shortened(name)}\`` : "such a value";
}

function tooLarge(): InvalidArgument {
  const message = `arguments hold more than ${MAX_VALUES} values or ${MAX_UNITS} characters`;
  return new InvalidArgument(message, { code: "content_too_large" });
}
