// How the operations of the table reach the native half. What each takes and gives is in `operations/`.

import { now, soon } from "./calls.js";
import { required } from "./fields.js";
import native from "./native.js";
import { HASH } from "./operations/tables.js";
import { type Page, pageOf } from "./page.js";
import type { JsonObject } from "./requests.js";

if (native.tableHash() !== HASH) {
  throw new Error("the package and its native library are of different builds; build or install tenantry again");
}

/** Where operations are done: the native client, or the native handle of a tenant. */
export interface Place {
  operate(operation: string, levels: readonly string[], input: string): string | Promise<string>;
  operateSync(operation: string, levels: readonly string[], input: string): string;
}

/** Names of what an operation is about. */
type Levels = Readonly<Record<string, unknown>>;

/** A handle on operations of one noun. */
export abstract class Operations {
  readonly #place: Place;

  /** @internal */
  constructor(place: Place) {
    this.#place = place;
  }

  /** @internal Does an operation and promises what it gives. What it takes is read inside: whatever is wrong with it rejects. */
  protected promised<R>(operation: string, read: (json: string) => R, levels: Levels = {}, give = empty): Promise<R> {
    return soon(() => this.#place.operate(operation, names(levels), JSON.stringify(give())), read);
  }

  /** @internal As `promised`, waiting. */
  protected waited<R>(operation: string, read: (json: string) => R, levels: Levels = {}, give = empty): R {
    return now(() => this.#place.operateSync(operation, names(levels), JSON.stringify(give())), read);
  }
}

function empty(): JsonObject {
  return {};
}

function names(levels: Levels): readonly string[] {
  return Object.entries(levels).map(([name, value]) => required(name, value));
}

/** Reads an answer. */
export function one<T>(type: new (json: string) => T): (json: string) => T {
  return (json) => new type(json);
}

/** Reads a page of answers. */
export function page<T>(type: new (json: string) => T): (json: string) => Page<T> {
  return (json) => {
    const { items, next } = JSON.parse(json) as { items: readonly JsonObject[]; next?: string };
    return pageOf(items.map((item) => new type(JSON.stringify(item))), next);
  };
}

/** Reads a page of texts. */
export function texts(json: string): Page<string> {
  const { items, next } = JSON.parse(json) as { items: readonly string[]; next?: string };
  return pageOf(items, next);
}

/** Reads an answer that is plain data. */
export function plain<T>(json: string): T {
  return JSON.parse(json) as T;
}

/** For operations that answer nothing. */
export function nothing(): void {}
