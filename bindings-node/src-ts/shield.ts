// Wrappers that guard functions: what goes in, what comes out, and tool calls. They throw `BlockedError` where the action
// may not proceed, and pass redacted text and arguments on where it may:
//
//     const shield = new Shield(await client.tenant("acme", "prod"));
//     const chat = shield.prompt(async (question: string) => model(question));
//     const shell = shield.tool(async ({ command }: { command: string }) => run(command), { name: "shell" });

import type { Guard } from "./client.js";
import { InvalidArgument } from "./errors.js";
import type { GuardRequest, JsonObject, Mode, ToolCallOptions } from "./requests.js";
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
  readonly arg?: number | undefined;
}

/** Options of `toolresponse`. */
export interface ToolResponseOptions extends ShieldOptions {
  /** The tool's name. Default: the function's. */
  readonly name?: string | undefined;
}

/** Options of `tool`. */
export interface ToolOptions extends ToolResponseOptions {
  /** Names of the arguments, for functions that do not take one object. */
  readonly names?: readonly string[] | undefined;
}

type Plain<A extends unknown[], R> = (...args: A) => R;
type Promising<A extends unknown[], R> = (...args: A) => Promise<Awaited<R>>;

/** How a call is asked about before it is made, and what of its arguments is passed on then. */
interface Before {
  ask(args: readonly unknown[]): Question;
  apply(args: readonly unknown[], response: GuardResponse): readonly unknown[];
}

type Question = GuardRequest | ToolQuestion;

interface ToolQuestion {
  readonly name: string;
  readonly arguments: JsonObject;
  readonly options: ToolCallOptions;
}

/** Guards functions with the policies of one project. `prompt` and its like promise; `promptSync` and its like wait. */
export class Shield {
  readonly #tenant: Guarded;
  readonly #options: ShieldOptions;

  constructor(tenant: Guarded, options: ShieldOptions = {}) {
    this.#tenant = tenant;
    this.#options = options;
  }

  /** Guards the text among the arguments before the function runs. */
  prompt<A extends unknown[], R>(target: Plain<A, R>, options: PromptOptions = {}): Promising<A, R> {
    return this.#before(target, this.#text(target, options));
  }

  /** As `prompt`, for functions called without waiting. */
  promptSync<A extends unknown[], R>(target: Plain<A, R>, options: PromptOptions = {}): Plain<A, R> {
    return this.#beforeSync(target, this.#text(target, options));
  }

  /**
   * Guards the arguments, as a call of the tool named after the function, before the function runs. The function takes
   * one object, whose fields are the tool's arguments, or `names` tells how its arguments are called.
   */
  tool<A extends unknown[], R>(target: Plain<A, R>, options: ToolOptions = {}): Promising<A, R> {
    return this.#before(target, this.#call(target, options));
  }

  /** As `tool`, for functions called without waiting. */
  toolSync<A extends unknown[], R>(target: Plain<A, R>, options: ToolOptions = {}): Plain<A, R> {
    return this.#beforeSync(target, this.#call(target, options));
  }

  /** Guards the string the function returns, as a model's response. */
  response<A extends unknown[], R>(target: Plain<A, R>, options: ShieldOptions = {}): Promising<A, R> {
    return this.#after(target, this.#modelAnswer(options));
  }

  /** As `response`, for functions called without waiting. */
  responseSync<A extends unknown[], R>(target: Plain<A, R>, options: ShieldOptions = {}): Plain<A, R> {
    return this.#afterSync(target, this.#modelAnswer(options));
  }

  /** The public client's name for `response`. */
  modelresponse<A extends unknown[], R>(target: Plain<A, R>, options: ShieldOptions = {}): Promising<A, R> {
    return this.response(target, options);
  }

  /** Guards the string the function returns, as the result of the tool named after the function. */
  toolresponse<A extends unknown[], R>(
    target: Plain<A, R>,
    options: ToolResponseOptions = {},
  ): Promising<A, R> {
    return this.#after(target, this.#toolAnswer(target, options));
  }

  /** As `toolresponse`, for functions called without waiting. */
  toolresponseSync<A extends unknown[], R>(
    target: Plain<A, R>,
    options: ToolResponseOptions = {},
  ): Plain<A, R> {
    return this.#afterSync(target, this.#toolAnswer(target, options));
  }

  #given(options: ShieldOptions): ShieldOptions {
    return { mode: options.mode ?? this.#options.mode, sessionId: options.sessionId ?? this.#options.sessionId };
  }

  #text(target: { readonly name: string }, options: PromptOptions): Before {
    const given = this.#given(options);
    const place = options.arg ?? 0;
    return {
      ask(args) {
        if (place >= args.length) throw unsupported(`\`${nameOf(target)}\` was called without argument ${place}`);
        return { ...given, content: text(args[place]), contentType: "prompt", action: "process_prompt" };
      },
      apply: (args, response) => args.map((arg, index) => (index === place ? response.passedOn(text(arg)) : arg)),
    };
  }

  #call(target: { readonly name: string }, options: ToolOptions): Before {
    const given = this.#given(options);
    const { names } = options;
    const name = options.name ?? nameOf(target);
    return {
      ask: (args) => ({ name, arguments: named(args, names, target), options: given }),
      apply(args, response) {
        const redacted = response.decision === "modify" ? response.redactedArguments : undefined;
        if (redacted === undefined) return args;
        // A copy: what a result holds is frozen, and the function's arguments are its own.
        const fields = { ...named(args, names, target), ...structuredClone(redacted) };
        return names === undefined ? [fields] : args.map((_, index) => fields[names[index] ?? ""]);
      },
    };
  }

  #modelAnswer(options: ShieldOptions): Omit<GuardRequest, "content"> {
    return { ...this.#given(options), contentType: "response", action: "process_response" };
  }

  #toolAnswer(target: { readonly name: string }, options: ToolResponseOptions): Omit<GuardRequest, "content"> {
    const tool = { name: options.name ?? nameOf(target) };
    return { ...this.#given(options), contentType: "response", action: "call_tool", tool };
  }

  #before<A extends unknown[], R>(target: Plain<A, R>, before: Before): Promising<A, R> {
    const evaluate = (question: Question): Promise<GuardResponse> => this.#evaluate(question);
    return renamed(target, async function (this: unknown, ...args: A): Promise<Awaited<R>> {
      const passed = before.apply(args, await evaluate(before.ask(args)));
      return await target.apply(this, passed as A);
    });
  }

  #beforeSync<A extends unknown[], R>(target: Plain<A, R>, before: Before): Plain<A, R> {
    const evaluate = (question: Question): GuardResponse => this.#evaluateSync(question);
    return renamed(target, function (this: unknown, ...args: A): R {
      const passed = before.apply(args, evaluate(before.ask(args)));
      return target.apply(this, passed as A);
    });
  }

  #after<A extends unknown[], R>(
    target: Plain<A, R>,
    fields: Omit<GuardRequest, "content">,
  ): Promising<A, R> {
    const evaluate = (question: Question): Promise<GuardResponse> => this.#evaluate(question);
    return renamed(target, async function (this: unknown, ...args: A): Promise<Awaited<R>> {
      const result = await target.apply(this, args);
      if (result === undefined || result === null) return result;
      const content = text(result);
      return (await evaluate({ ...fields, content })).passedOn(content) as Awaited<R>;
    });
  }

  #afterSync<A extends unknown[], R>(target: Plain<A, R>, fields: Omit<GuardRequest, "content">): Plain<A, R> {
    const evaluate = (question: Question): GuardResponse => this.#evaluateSync(question);
    return renamed(target, function (this: unknown, ...args: A): R {
      const result = target.apply(this, args);
      if (result === undefined || result === null) return result;
      const content = text(result);
      return evaluate({ ...fields, content }).passedOn(content) as R;
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

/** The arguments of a call by name. One that has no name would pass unread, so there must be none. */
function named(
  args: readonly unknown[],
  names: readonly string[] | undefined,
  target: { readonly name: string },
): JsonObject {
  if (names === undefined) {
    const [fields = {}] = args;
    if (args.length <= 1 && typeof fields === "object" && fields !== null) return fields as JsonObject;
    throw unsupported(`\`${nameOf(target)}\` was not called with one object; name its arguments with \`names\``);
  }
  if (args.length > names.length) throw unsupported(`\`${nameOf(target)}\` was called with arguments without a name`);
  return Object.fromEntries(args.map((arg, index) => [names[index], arg])) as JsonObject;
}

function text(value: unknown): string {
  // Anything else would be guarded as its description and passed on unread: that of a stream says nothing of its text.
  if (typeof value === "string") return value;
  throw unsupported(`a value of type \`${typeof value}\` cannot be guarded as text`);
}

function nameOf(target: { readonly name: string }): string {
  return target.name === "" ? "function" : target.name;
}

function renamed<F extends { readonly name: string }>(target: { readonly name: string }, wrapper: F): F {
  return Object.defineProperty(wrapper, "name", { value: target.name, configurable: true });
}

function unsupported(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "shield_unsupported", help: "guard a string" });
}
