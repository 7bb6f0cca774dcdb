// What operations take, read from a caller's arguments by the tables of `operations/tables.ts`: each value once, under its name
// on the wire. What a table does not have is refused, since an option that is dropped in silence would not hold.

import { type Reading, counted, items, json as data, plain, shortened, wellFormed } from "./data.js";
import { InvalidArgument } from "./errors.js";
import native from "./native.js";
import type { Json, JsonObject } from "./requests.js";

/** Reads the value of the field called `name`. */
export type Reader = (name: string, value: unknown, reading: Reading) => Json;

/** The fields of an argument: of each its name on the wire, a path where it is a part there, and how it is read. */
export type Fields = Readonly<Record<string, readonly [wire: string, read: Reader]>>;

/** The fields of the argument `what`, by their names on the wire. */
export function fields(what: string, value: unknown, table: Fields, reading: Reading = { values: 0, units: 0 }): JsonObject {
  const wire: Record<string, Json> = {};
  if (isAbsent(value)) return wire;
  const given = plain(what, value);
  const told = new Map<string, string>();
  for (const name of Object.keys(given)) {
    const field = Object.hasOwn(table, name) ? table[name] : undefined;
    if (field === undefined) throw invalid(`\`${shortened(name)}\` is not a field of \`${what}\``);
    const [path, read] = field;
    const part = given[name];
    if (isAbsent(part)) continue;
    const other = told.get(path);
    if (other !== undefined) throw invalid(`\`${other}\` and \`${name}\` exclude each other`);
    told.set(path, name);
    put(wire, path.split("."), read(name, part, reading));
  }
  return wire;
}

function put(wire: Record<string, Json>, [name = "", ...below]: readonly string[], value: Json): void {
  if (below.length === 0) wire[name] = value;
  else put((wire[name] ??= {}) as Record<string, Json>, below, value);
}

/** A text that has to be given. */
export function required(name: string, value: unknown): string {
  if (isAbsent(value)) throw invalid(`\`${name}\` is missing`);
  return text(name, value, { values: 0, units: 0 });
}

export function text(name: string, value: unknown, reading: Reading): string {
  if (typeof value !== "string") throw invalid(`\`${name}\` is not a string`);
  counted(name, value, reading);
  return value;
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw invalid(`\`${name}\` is neither true nor false`);
  return value;
}

export function integer(name: string, value: unknown): number {
  if (!Number.isInteger(value)) throw invalid(`\`${name}\` is not a whole number`);
  return value as number;
}

/** Where a query starts. */
export function since(name: string, value: unknown, reading: Reading): Json {
  if (typeof value === "number") return integer(name, value);
  if (!(value instanceof Date)) return text(name, value, reading);
  const time = Date.prototype.getTime.call(value);
  if (Number.isNaN(time)) throw invalid(`\`${name}\` is no time`);
  return new Date(time).toISOString();
}

/** A period in words, in milliseconds. */
export function period(name: string, value: unknown): number {
  return native.period(name, value);
}

/** An audit head, or the line that is printed of it. */
export function head(name: string, value: unknown, reading: Reading): string {
  if (typeof value === "string") return text(name, value, reading);
  // Any head: of this module, or of another copy of it in this process.
  const line = (value as { readonly toText?: unknown }).toText;
  if (typeof line === "function") return text(name, line.call(value), reading);
  throw new InvalidArgument(`\`${name}\` is neither an audit head nor its text`, { code: "anchor_invalid" });
}

/** A plain object whose names and values are the caller's own. */
export function object(name: string, value: unknown, reading: Reading): Json {
  plain(name, value);
  return data(name, value, reading);
}

/** A list, item by item. */
export function listOf(read: Reader): Reader {
  return (name, value, reading) =>
    items(name, value, (item) => {
      counted(name, undefined, reading);
      return read(name, item, reading);
    });
}

/** A plain object whose names are the caller's own. */
export function mapOf(read: Reader): Reader {
  return (name, value, reading) => {
    const given = plain(name, value);
    const entries = Object.keys(given).map((key): [string, Json] => {
      counted(name, key, reading);
      // Two different names of this kind would become one.
      if (!wellFormed(key)) throw invalid(`a name in \`${name}\` holds half a character`);
      return [key, read(name, given[key], reading)];
    });
    return Object.fromEntries(entries);
  };
}

/** A plain object with fields of its own. */
export function part(table: Fields): Reader {
  return (name, value, reading) => fields(name, value, table, reading);
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function invalid(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "request_invalid" });
}
