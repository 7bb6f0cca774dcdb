// What callers give, read once: a copy made of plain data only, which is guarded, sent and passed on. The native half
// never sees an object of the caller's, so nothing changes between two looks at it.

import { types } from "node:util";

import { InvalidArgument } from "./errors.js";
import type { Json } from "./requests.js";

/** What may be left out. */
export type Maybe<T> = T | null | undefined;

/** Deeper is not read; the core refuses what nests less deep than this already, and audits that. */
export const MAX_LEVELS = 80;
/** Most values one argument may hold: a value that is reached twice counts twice. */
export const MAX_VALUES = 1_000_000;
/** Most text in them, in UTF-16 units; the core accepts less. */
export const MAX_UNITS = 32 * 1024 * 1024;

/** How much was read so far. */
export interface Reading {
  values: number;
  units: number;
}

/** An argument with fields, such as `options`. What is no object at all is left to the native half, which refuses it. */
export function given<T>(what: string, value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (types.isProxy(value)) throw notData(what);
  const reading = { values: 0, units: 0 };
  const fields = checked(what, value);
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    put(copy, name, typeof field === "object" ? read(name, field, MAX_LEVELS, reading) : field);
  }
  return copy as T;
}

/** An argument that is the caller's own data, such as a tool's arguments. */
export function data<T>(what: string, value: T): T {
  return read(what, value, MAX_LEVELS, { values: 0, units: 0 }) as T;
}

/** Most headers one request may hold; the core accepts less. */
const MAX_HEADERS = 10_000;

/** What a caller presents: a token, or headers as pairs, each as often as it came. */
export type Presented = readonly [token: string | undefined, headers: readonly (readonly [string, string])[]];

/** A copy of what a caller presents. What names and values mean is not looked at. */
export function presented(credential: unknown): Presented {
  if (typeof credential === "string") return [credential, []];
  if (typeof credential !== "object" || credential === null) throw invalid("`credential` is neither a text nor headers");
  const headers: [string, string][] = [];
  const add = (name: unknown, value: unknown): void => {
    if (typeof name !== "string" || typeof value !== "string") throw notHeader();
    if (headers.length === MAX_HEADERS) {
      throw new InvalidArgument(`\`credential\` holds more than ${MAX_HEADERS} headers`, { code: "content_too_large" });
    }
    headers.push([name, value]);
  };
  const iterate: unknown = (credential as { readonly [Symbol.iterator]?: unknown })[Symbol.iterator];
  if (typeof iterate === "function") {
    const pairs = { [Symbol.iterator]: () => iterate.call(credential) as Iterator<unknown> };
    for (const pair of pairs) {
      if (types.isProxy(pair) || !Array.isArray(pair) || pair.length !== 2) throw notHeader();
      add(pair[0], pair[1]);
    }
    return [undefined, headers];
  }
  if (types.isProxy(credential) || !isPlain(credential)) throw notData("credential");
  // Not as strict as other data: the headers of HTTP/2 requests have a symbol among their names.
  for (const name of Object.keys(credential)) {
    const value = data("credential", (credential as Readonly<Record<string, unknown>>)[name]);
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) for (const line of value) add(name, line);
    else add(name, value);
  }
  return [undefined, headers];
}

function notHeader(): InvalidArgument {
  return invalid("`credential` holds something that is not a header: a name and its value, both texts");
}

/** Counts a value, and refuses what is more than an argument may hold. */
export function counted(what: string, value: unknown, reading: Reading): void {
  reading.values += 1;
  if (typeof value === "string") reading.units += value.length;
  if (reading.values > MAX_VALUES || reading.units > MAX_UNITS) {
    const most = `more than ${MAX_VALUES} values or ${MAX_UNITS} characters`;
    throw new InvalidArgument(`\`${shortened(what)}\` holds ${most}`, { code: "content_too_large" });
  }
}

function read(what: string, value: unknown, levels: number, reading: Reading): unknown {
  counted(what, value, reading);
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return null;
  if (types.isProxy(value)) throw notData(what);
  if (Array.isArray(value)) return items(what, value, (item) => read(what, item, levels - 1, reading));
  const fields = checked(what, value);
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    // Two different names of this kind would become one.
    if (!wellFormed(name)) throw invalid(`a name in \`${shortened(what)}\` holds half a character`);
    reading.units += name.length;
    put(copy, name, read(what, fields[name], levels - 1, reading));
  }
  return copy;
}

/** What becomes of each item of an array. */
export function items<T>(what: string, value: unknown, each: (item: unknown) => T): T[] {
  if (types.isProxy(value)) throw notData(what);
  if (!Array.isArray(value)) throw invalid(`\`${shortened(what)}\` is not an array`);
  const copy: T[] = [];
  const { length } = value;
  for (let index = 0; index < length; index += 1) {
    // A list with holes may claim any length.
    if (!Object.hasOwn(value, index)) throw invalid(`\`${shortened(what)}\` holds a list with a hole in it`);
    copy.push(each(value[index]));
  }
  return copy;
}

/** An argument that has to be an object with fields, as it is. */
export function plain(what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw invalid(`\`${shortened(what)}\` is not a plain object`);
  if (types.isProxy(value)) throw notData(what);
  return checked(what, value);
}

/** A copy of what JSON can hold, and of nothing else. */
export function json(what: string, value: unknown, reading: Reading): Json {
  return written(what, read(what, value, MAX_LEVELS, reading));
}

function written(what: string, value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return value as Json;
  if (Array.isArray(value)) return value.map((item) => written(what, item));
  if (typeof value !== "object") throw notData(what);
  const copy: Record<string, Json> = {};
  for (const [name, field] of Object.entries(value)) if (field !== undefined) put(copy, name, written(what, field));
  return copy;
}

/** The object, if it is a literal of this realm or another, or has no prototype, and all of it can be seen. */
function checked(what: string, value: object): Readonly<Record<string, unknown>> {
  if (Array.isArray(value) || !isPlain(value)) throw notData(what);
  if (Object.getOwnPropertySymbols(value).length > 0) throw invalid(`\`${shortened(what)}\` has symbols as names`);
  return value as Readonly<Record<string, unknown>>;
}

function isPlain(value: object): boolean {
  const above = Object.getPrototypeOf(value) as object | null;
  if (above === Object.prototype || above === null) return true;
  if (types.isProxy(above) || Object.getPrototypeOf(above) !== null) return false;
  return Object.hasOwn(above, "hasOwnProperty") && Object.keys(above).length === 0;
}

export function put(copy: Record<string, unknown>, name: string, value: unknown): void {
  // Assigning would do what `Object.prototype` says for `__proto__` and, where it is hardened, for others.
  if (name in copy) {
    Object.defineProperty(copy, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    copy[name] = value;
  }
}

/** Whether a text is one that UTF-8 can hold: no half of a pair of UTF-16 units stands alone. */
export function wellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** What a caller wrote, for a message. */
export function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function notData(what: string): InvalidArgument {
  return invalid(`\`${shortened(what)}\` is or holds something that is not plain data: ${DATA}`);
}

const DATA = "data is made of plain objects, arrays, strings, finite numbers, booleans and null";

function invalid(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "request_invalid" });
}
