// The base of every result: its wire JSON as text, parsed when a field is first read.

import { inspect } from "node:util";

import { InvalidArgument } from "./errors.js";
import type { Json, JsonObject } from "./requests.js";

/**
 * A result. Two results with equal `json` are equal, also to `assert.deepStrictEqual`.
 *
 * `structuredClone` and `postMessage` keep `json` alone: its class makes the result whole again, as in
 * `new GuardResponse(message.json)`; or post `toJSON()`, which is plain data.
 */
export abstract class Value {
  /** The result exactly as the wire has it. */
  readonly json: string;
  #fields: JsonObject | undefined;

  /** @throws InvalidArgument for what is not the JSON text of an object; the rest is checked when it is read. */
  constructor(json: string) {
    if (typeof json !== "string" || !json.startsWith("{")) throw notResult();
    this.json = json;
    Object.freeze(this);
  }

  /** As plain data under the wire's names; absent fields are left out. */
  toJSON(): JsonObject {
    return parsed(this.json);
  }

  /** The fields worth printing; never content. */
  protected abstract get shown(): readonly string[];

  /** A field by its wire name, as it is or, where it may be left out, with what that means. */
  protected field<T extends Json | undefined>(name: string, absent?: T): T {
    this.#fields ??= parsed(this.json);
    return frozen(this.#fields[name] ?? absent) as T;
  }

  protected part<T>(name: string, type: new (json: string) => T): T | undefined {
    const part = this.field<JsonObject | undefined>(name);
    return part === undefined ? undefined : new type(JSON.stringify(part));
  }

  protected parts<T>(name: string, type: new (json: string) => T): readonly T[] | undefined {
    return this.field<readonly JsonObject[] | undefined>(name)?.map((part) => new type(JSON.stringify(part)));
  }

  /** A part that is plain data, and what stands for the fields it may lack. */
  protected plain<T>(name: string, absent: JsonObject): T {
    return Object.freeze({ ...absent, ...this.field<JsonObject>(name, {}) }) as T;
  }

  /** @internal */
  [inspect.custom](_depth: number, options: object): string {
    const read = (name: string): [string, unknown] => [name, (this as unknown as Record<string, unknown>)[name]];
    const shown = Object.fromEntries(this.shown.map(read).filter(([, value]) => value !== undefined));
    return `${this.constructor.name} ${inspect(shown, options)}`;
  }
}

function parsed(json: string): JsonObject {
  try {
    return JSON.parse(json) as JsonObject;
  } catch {
    throw notResult();
  }
}

function notResult(): InvalidArgument {
  return new InvalidArgument("this is not the JSON text of a result", { code: "request_invalid" });
}

/** Results do not change: nor do the objects and lists in them. */
function frozen(value: Json | undefined): Json | undefined {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.values(value as JsonObject).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}

/** A result that is one line to print and keep. */
export abstract class Line extends Value {
  /** One printable line. */
  toText(): string {
    return this.field("text");
  }

  override toString(): string {
    return this.toText();
  }
}
