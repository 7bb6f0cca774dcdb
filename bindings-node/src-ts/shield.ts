// Wrappers that guard functions: what goes in, what comes out, and tool calls. They throw `BlockedError` where the action
// may not proceed, and pass redacted text and arguments on where it may:
//
//     const shield = new Shield(await client.tenant("acme", "prod"));
//     const chat = shield.prompt(async (question: string) => model(question));
//     const shell = shield.tool(async ({ command }: { command: string }) => run(command), { name: "shell" });
//
// Policies name tools. Name them here, too: without `name` a tool is called as its function is, minifiers rename functions, and
// arrow functions written in place have no name at all. What has none is refused.

import { types } from "node:util";

import { nothing, now } from "./calls.js";
import { carried } from "./carried.js";
import { given, shortened, wellFormed } from "./data.js";
import { InvalidArgument } from "./errors.js";
import type { Guard } from "./guard.js";
import native from "./native.js";
import type { Mode } from "./operations/index.js";
import type { GuardRequest, JsonObject, ToolCallOptions } from "./requests.js";
import type { GuardResponse } from "./responses.js";

/** A `Tenant`, or a `Tenantry` with a project of its own. */
export interface Guarded {
  readonly guard: Guard;
}

/** What every wrapper takes; what is absent comes from the shield. */
export interface ShieldOptions {
  /** How strictly to apply policy outcomes. */
  readonly mode?: Mode | null | undefined;
  /** Ties turns of one conversation together. */
  readonly sessionId?: string | null | undefined;
}

/** Options of `prompt`. */
export interface PromptOptions extends ShieldOptions {
  /** Which argument is the text, counted from 0. Default 0. */
  readonly arg?: number | null | undefined;
}

/** Options of `toolresponse`. */
export interface ToolResponseOptions extends ShieldOptions {
  /** The tool's name, as policies know it. Default: the function's, which a minifier may have changed. */
  readonly name?: string | null | undefined;
}

/** Options of `tool`. */
export interface ToolOptions extends ToolResponseOptions {
  /** Names of the arguments, for functions that do not take one object. */
  readonly names?: readonly string[] | null | undefined;
}

type Plain<A extends unknown[], R> = (...args: A) => R;
type Promising<A extends unknown[], R> = (...args: A) => Promise<Awaited<R>>;

/** Nothing more to ask of a function whose argument `P` may be text; impossible to meet for others. */
export type TextAt<A extends unknown[], P extends number> = unknown extends A[P]
  ? unknown
  : [Extract<A[P], string>] extends [never]
    ? { readonly "this argument is not text": P }
    : unknown;

/** What a function whose answer is guarded may return. */
export type Answer = string | null | undefined | void;

/** What comes back of an answer: another text, where it was redacted. */
export type Guarding<T> = T extends string ? string : T;

/** What is known of a call before it is made. */
interface Taken {
  readonly question: Question;
  /** The arguments to pass on. They are those that were read, also when the caller has changed his meanwhile. */
  passed(response: GuardResponse): readonly unknown[];
}

type Take = (args: readonly unknown[]) => Taken;
type Question = GuardRequest | ToolQuestion;

interface ToolQuestion {
  readonly name: string;
  readonly arguments: JsonObject;
  readonly options: ToolCallOptions;
}

interface Named {
  readonly name: string;
}

/** Guards functions with the policies of one project. `prompt` and its like promise; `promptSync` and its like wait. */
export class Shield {
  readonly #tenant: Guarded;
  readonly #options: ShieldOptions;

  /** @throws InvalidArgument for what is no tenant, and for options that mean nothing; so does every wrapper. */
  constructor(tenant: Guarded, options?: ShieldOptions | null) {
    if (typeof tenant !== "object" || tenant === null || !("guard" in tenant)) {
      throw misconfigured("a Shield takes a tenant, or a client with a project of its own, and no promise of one");
    }
    this.#tenant = tenant;
    this.#options = chosen(options, []);
  }

  /** Guards the text among the arguments before the function runs. */
  prompt<A extends unknown[], R, P extends number = 0>(
    target: Plain<A, R> & TextAt<A, P>,
    options?: (PromptOptions & { readonly arg?: P | null | undefined }) | null,
  ): Promising<A, R> {
    return this.#before(callable<A, R>(target), this.#text(target, options));
  }

  /** As `prompt`, for functions called without waiting. */
  promptSync<A extends unknown[], R, P extends number = 0>(
    target: Plain<A, R> & TextAt<A, P>,
    options?: (PromptOptions & { readonly arg?: P | null | undefined }) | null,
  ): Plain<A, R> {
    return this.#beforeSync(callable<A, R>(target), this.#text(target, options));
  }

  /**
   * Guards the arguments, as a call of the tool `name`, else of the one named after the function, before the function runs.
   * The function takes one object, whose fields are the tool's arguments, or `names` tells how its arguments are called. It
   * is given a copy of them, made of what was judged, in their own types: dates, URLs, bigints, bytes of UTF-8, maps, sets,
   * instances (by their own fields; private ones are not carried over). Minifiers rename functions: name tools.
   *
   * @throws InvalidArgument `tool_name_required` for a function without a name that a policy could mean. Its calls throw
   * `shield_unsupported`, which names the argument, for what cannot be read or not be rewritten where a finding stands.
   */
  tool<A extends unknown[], R>(target: Plain<A, R>, options?: ToolOptions | null): Promising<A, R> {
    return this.#before(callable(target), this.#call(target, options));
  }

  /** As `tool`, for functions called without waiting. */
  toolSync<A extends unknown[], R>(target: Plain<A, R>, options?: ToolOptions | null): Plain<A, R> {
    return this.#beforeSync(callable(target), this.#call(target, options));
  }

  /** Guards the string the function returns, as a model's response. */
  response<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Plain<A, R>,
    options?: ShieldOptions | null,
  ): Promising<A, Guarding<Awaited<R>>> {
    return this.#after(callable(target), this.#modelAnswer(options));
  }

  /** As `response`, for functions called without waiting. */
  responseSync<A extends unknown[], R extends Answer>(
    target: Plain<A, R>,
    options?: ShieldOptions | null,
  ): Plain<A, Guarding<R>> {
    return this.#afterSync(callable(target), this.#modelAnswer(options));
  }

  /** The public client's name for `response`. */
  modelresponse<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Plain<A, R>,
    options?: ShieldOptions | null,
  ): Promising<A, Guarding<Awaited<R>>> {
    return this.response(target, options);
  }

  /** Guards the string the function returns, as the result of the tool `name`, else of the one named after the function. */
  toolresponse<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Plain<A, R>,
    options?: ToolResponseOptions | null,
  ): Promising<A, Guarding<Awaited<R>>> {
    return this.#after(callable(target), this.#toolAnswer(target, options));
  }

  /** As `toolresponse`, for functions called without waiting. */
  toolresponseSync<A extends unknown[], R extends Answer>(
    target: Plain<A, R>,
    options?: ToolResponseOptions | null,
  ): Plain<A, Guarding<R>> {
    return this.#afterSync(callable(target), this.#toolAnswer(target, options));
  }

  #given(options: ShieldOptions): ShieldOptions {
    return { mode: options.mode ?? this.#options.mode, sessionId: options.sessionId ?? this.#options.sessionId };
  }

  #text(target: Named, options: PromptOptions | null | undefined): Take {
    const { arg, ...rest } = chosen<PromptOptions>(options, ["arg"]);
    const shared = this.#given(rest);
    const place = arg ?? 0;
    if (!Number.isSafeInteger(place) || place < 0) throw misconfigured("`arg` counts arguments from 0");
    return (args) => {
      if (place >= args.length) throw unsupported(`\`${shortened(nameOf(target))}\` was called without argument ${place}`);
      const content = text(args[place], `argument ${place} of \`${shortened(nameOf(target))}\``);
      return {
        question: { ...shared, content, contentType: "prompt", action: "process_prompt" },
        passed: (response) => args.map((arg, index) => (index === place ? response.passedOn(content) : arg)),
      };
    };
  }

  #call(target: Named, options: ToolOptions | null | undefined): Take {
    const { name: chosenName, names: chosenNames, ...rest } = chosen<ToolOptions>(options, ["name", "names"]);
    const shared = this.#given(rest);
    const name = toolName(chosenName, target);
    const names = chosenNames ?? undefined;
    if (names !== undefined) checkNames(names);
    return (args) => {
      const own = carried(nameOf(target), named(args, names, target));
      return {
        question: { name, arguments: own.judged, options: shared },
        passed(response) {
          const redacted = response.decision === "modify" ? response.redactedArguments : undefined;
          // Made anew: the function's arguments are its own, and what a result holds is frozen.
          const passed = own.passed(redacted ?? own.judged);
          if (names !== undefined) return args.map((_, index) => (passed as JsonObject)[names[index] ?? ""]);
          return args.length === 0 ? [] : [passed];
        },
      };
    };
  }

  #modelAnswer(options: ShieldOptions | null | undefined): Omit<GuardRequest, "content"> {
    return { ...this.#given(chosen(options, [])), contentType: "response", action: "process_response" };
  }

  #toolAnswer(target: Named, options: ToolResponseOptions | null | undefined): Omit<GuardRequest, "content"> {
    const { name, ...rest } = chosen<ToolResponseOptions>(options, ["name"]);
    const tool = { name: toolName(name, target) };
    return { ...this.#given(rest), contentType: "response", action: "call_tool", tool };
  }

  #before<A extends unknown[], R>(target: Plain<A, R>, take: Take): Promising<A, R> {
    const evaluate = (question: Question): Promise<GuardResponse> => this.#evaluate(question);
    return renamed(target, async function (this: unknown, ...args: A): Promise<Awaited<R>> {
      const { question, passed } = take(args);
      return await target.apply(this, passed(await evaluate(question)) as A);
    });
  }

  #beforeSync<A extends unknown[], R>(target: Plain<A, R>, take: Take): Plain<A, R> {
    const evaluate = (question: Question): GuardResponse => this.#evaluateSync(question);
    return renamed(target, function (this: unknown, ...args: A): R {
      const { question, passed } = take(args);
      return target.apply(this, passed(evaluate(question)) as A);
    });
  }

  #after<A extends unknown[], R>(
    target: Plain<A, R>,
    fields: Omit<GuardRequest, "content">,
  ): Promising<A, Guarding<Awaited<R>>> {
    type Passed = Awaited<Guarding<Awaited<R>>>;
    const evaluate = (question: Question): Promise<GuardResponse> => this.#evaluate(question);
    return renamed(target, async function (this: unknown, ...args: A): Promise<Passed> {
      const result: unknown = await target.apply(this, args);
      if (result === undefined || result === null) return result as Passed;
      const content = text(result, `what \`${shortened(nameOf(target))}\` returned`);
      return (await evaluate({ ...fields, content })).passedOn(content) as Passed;
    });
  }

  #afterSync<A extends unknown[], R>(
    target: Plain<A, R>,
    fields: Omit<GuardRequest, "content">,
  ): Plain<A, Guarding<R>> {
    const evaluate = (question: Question): GuardResponse => this.#evaluateSync(question);
    return renamed(target, function (this: unknown, ...args: A): Guarding<R> {
      const result: unknown = target.apply(this, args);
      if (result === undefined || result === null) return result as Guarding<R>;
      // Refused below; that it fails later, with nobody listening, must not end the process.
      if (types.isPromise(result)) result.then(undefined, () => undefined);
      const content = text(result, `what \`${shortened(nameOf(target))}\` returned`);
      return evaluate({ ...fields, content }).passedOn(content) as Guarding<R>;
    });
  }

  async #evaluate(question: Question): Promise<GuardResponse> {
    const { guard } = this.#tenant;
    const response = await ("content" in question
      ? guard.evaluate(question)
      : guard.evaluateToolCall(question.name, question.arguments, question.options));
    response.raiseForDenied();
    return response;
  }

  #evaluateSync(question: Question): GuardResponse {
    const { guard } = this.#tenant;
    const response =
      "content" in question
        ? guard.evaluateSync(question)
        : guard.evaluateToolCallSync(question.name, question.arguments, question.options);
    response.raiseForDenied();
    return response;
  }
}

const MODES: readonly unknown[] = ["monitor", "alert", "modify", "enforce"] satisfies Mode[];

/** Options as they were given when wrapping: later changes of them change nothing, and every one of them is known. */
function chosen<T extends ShieldOptions>(options: T | null | undefined, more: readonly string[]): Partial<T> {
  if (options === undefined || options === null) return {};
  if (typeof options !== "object") throw misconfigured("`options` is not an object");
  let taken;
  try {
    taken = given("options", options);
  } catch (error) {
    throw error instanceof InvalidArgument ? misconfigured(error.message) : error;
  }
  for (const name of Object.keys(taken)) {
    if (name === "mode" || name === "sessionId" || more.includes(name)) continue;
    throw misconfigured(`\`${shortened(name)}\` is no option of this wrapper`);
  }
  const { mode, sessionId } = taken;
  if (!absent(mode) && !MODES.includes(mode)) throw misconfigured("`mode` is none of monitor, alert, modify, enforce");
  if (!absent(sessionId) && typeof sessionId !== "string") throw misconfigured("`sessionId` is not a string");
  return taken;
}

/** Names that JavaScript gives to what nobody has named: bound functions and accessors, symbols, and two words. */
const UNCHOSEN = /^((bound|get|set) .*|\[.*\]|anonymous|default)$/su;

/** The name policies know a tool by. One that nobody chose would pass every rule that names the tool. */
function toolName(name: unknown, target: Named): string {
  if (!absent(name)) {
    if (typeof name !== "string" || !meant(name)) throw misconfigured("`name` is not the name of a tool");
    return name;
  }
  if (typeof target.name === "string" && !UNCHOSEN.test(target.name) && meant(target.name)) return target.name;
  throw new InvalidArgument("the function has no name that a policy could mean", {
    code: "tool_name_required",
    help: "give the tool's name where the function is wrapped",
  });
}

/** Whether a policy could mean a tool by this name. */
function meant(name: string): boolean {
  try {
    now(() => native.checkToolName(name), nothing);
    return true;
  } catch (error) {
    if (error instanceof InvalidArgument) return false;
    throw error;
  }
}

function checkNames(names: unknown): void {
  const good = (name: unknown): boolean => typeof name === "string" && name !== "" && wellFormed(name);
  if (!Array.isArray(names) || !names.every(good) || new Set(names).size !== names.length) {
    throw misconfigured("`names` is not a list of different names, one for each argument");
  }
}

function callable<A extends unknown[], R>(target: Plain<A, R>): Plain<A, R> {
  if (typeof target === "function") return target;
  throw misconfigured(`a value of type \`${typeof target}\` is no function that could be guarded`);
}

function absent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** The arguments of a call by name. One that has no name would pass unread, so there must be none. */
function named(args: readonly unknown[], names: readonly string[] | undefined, target: Named): object {
  if (names === undefined) {
    const [fields = {}] = args;
    const one = typeof fields === "object" && fields !== null && !Array.isArray(fields);
    if (args.length <= 1 && one) return fields;
    throw unsupported(`\`${shortened(nameOf(target))}\` was not called with one object; name its arguments with \`names\``);
  }
  if (args.length > names.length) throw unsupported(`\`${shortened(nameOf(target))}\` was called with arguments without a name`);
  return Object.fromEntries(args.map((arg, index) => [names[index], arg]));
}

function text(value: unknown, what: string): string {
  // Anything else would be guarded as its description and passed on unread: that of a stream says nothing of its text.
  if (typeof value === "string") return value;
  throw unsupported(`${what}: a value of type \`${typeof value}\` cannot be guarded as text`);
}

function nameOf(target: Named): string {
  return typeof target.name === "string" && target.name !== "" ? target.name : "function";
}

function renamed<F extends Named>(target: Named, wrapper: F): F {
  return Object.defineProperty(wrapper, "name", { value: target.name, configurable: true });
}

function unsupported(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "shield_unsupported", help: "guard a string" });
}

function misconfigured(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "config_invalid" });
}
