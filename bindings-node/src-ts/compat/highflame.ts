// The public Highflame client's wrappers and guard calls, decided by Tenantry: embedded, or by the server `baseUrl` names.
// Change `"@highflame/sdk"` to `"tenantry/compat/highflame"` in imports. Names of functions and options are camelCase,
// requests and responses are the wire's snake_case, as there. What is not there (`guard.stream`, `client.detect`,
// `client.debug`) throws an error that names it. Every key is verified: without a server that issued it, only dev mode
// (`TENANTRY_DEV=1`) takes any. Of the public `ZeroIDClient` there are `tokens`, `apiKeys`, `jwks` and `health`, over the
// same engine: nothing is sent.

import { given, shortened } from "../data.js";
import { BlockedError as PlainBlockedError, InvalidArgument as InvalidRequestError, TenantryError } from "../errors.js";
import type { Guard as PlainGuard } from "../guard.js";
import { Shield as PlainShield, Tenantry } from "../index.js";
import type { Answer, Decision, Detector, GuardResponse as PlainResponse, Guarding, Severity } from "../index.js";
import type { Mode } from "../operations/index.js";
import type { ContentType, Json, JsonObject } from "../requests.js";
import type * as Plain from "../requests.js";

export {
  InvalidArgument as InvalidRequestError,
  RateLimited as RateLimitError,
  TenantryError as APIError,
  TenantryError as HighflameError,
  Unauthenticated as AuthenticationError,
  Unavailable as APIConnectionError,
} from "../errors.js";
export type { Decision, Mode };
export * from "./zeroid.js";

/** Options of the public client. Those that only shape HTTP there (`tokenUrl`, `maxRetries`, …) are taken and not used. */
export interface HighflameOptions {
  /** The key to act with. */
  readonly apiKey?: string | undefined;
  /** A token to act with, when there is no key. */
  readonly accessToken?: string | undefined;
  /** A server to talk to instead of the embedded engine. */
  readonly baseUrl?: string | undefined;
  /** How long a call may take, in milliseconds. */
  readonly timeout?: number | undefined;
  /** The account to act in. */
  readonly accountId?: string | undefined;
  /** The project to act in. */
  readonly projectId?: string | undefined;
  /** Recorded with each call; those that carry credentials are left out. */
  readonly defaultHeaders?: Readonly<Record<string, string>> | undefined;
  readonly [transport: string]: unknown;
}

/** A name as the wire writes it. */
type Snake<N extends string> = N extends `${infer Head}${infer Rest}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Rest>}`
  : N;
type Wire<T> = { readonly [N in keyof T as Snake<N & string>]: T[N] };

export type ToolContext = Wire<Plain.ToolContext>;
export type ModelContext = Omit<Wire<Plain.ModelContext>, "cache_write1h_tokens"> & {
  readonly cache_write_1h_tokens?: number | null | undefined;
};
export type FileContext = Wire<Plain.FileContext>;
export type MCPContext = Wire<Plain.McpContext>;

/** One question, in the wire's names. */
export interface GuardRequest extends Omit<Wire<Plain.GuardRequest>, "tool" | "model" | "file" | "mcp"> {
  readonly content: string;
  readonly tool?: ToolContext | null | undefined;
  readonly model?: ModelContext | null | undefined;
  readonly file?: FileContext | null | undefined;
  readonly mcp?: MCPContext | null | undefined;
}

/** Options of the guard's shorthands, in either spelling. */
export type EvaluateOptions = Plain.EvaluateOptions | Omit<GuardRequest, "content">;

export interface Signal {
  readonly category: string;
  readonly context_key: string;
  readonly name: string;
  readonly score: number;
  readonly severity: Severity;
  readonly vulnerability_id: string;
}

export interface DeterminingPolicy {
  readonly rule_id: string;
  readonly [name: string]: Json | undefined;
}

/** An answer: the wire's object, and whether the call may proceed. */
export interface GuardResponse {
  readonly decision: Decision;
  readonly request_id: string;
  readonly timestamp: string;
  readonly latency_ms: number;
  readonly signals: readonly Signal[];
  readonly determining_policies: readonly DeterminingPolicy[];
  readonly policy_reason?: string;
  readonly actual_decision?: Decision;
  readonly alerted?: boolean;
  readonly redacted_content?: string;
  /** Whether the call may proceed (`allow` or `modify`). */
  readonly allowed: boolean;
  /** Whether the call must not proceed. */
  readonly denied: boolean;
  readonly [name: string]: unknown;
}

/** A key policies read. */
export interface ContextKeySpec {
  readonly key: string;
  readonly type: string;
  readonly description: string;
  readonly range?: string;
}

/** A detector, and the keys it writes. */
export interface DetectorInfo {
  readonly name: string;
  readonly status: string;
  readonly tier: string;
  readonly version: string;
  readonly category: string;
  readonly description: string;
  readonly context_keys: readonly ContextKeySpec[];
}

/** The detectors there are. */
export interface ListDetectorsResponse {
  readonly count: number;
  readonly detectors: readonly DetectorInfo[];
}

/** A wrapper did not let the action proceed. */
export class BlockedError extends TenantryError {
  override readonly kind = "BlockedError";
  /** The whole answer. */
  readonly response: GuardResponse;

  /** @internal */
  constructor(blocked: PlainBlockedError) {
    super(blocked.message, blocked);
    this.response = answered(blocked.response);
  }
}
Object.defineProperty(BlockedError.prototype, "name", { value: "BlockedError", configurable: true, writable: true });

/** A client of one project: the one its key, or `accountId` and `projectId`, name. */
export class Highflame implements Disposable, AsyncDisposable {
  /** The client behind this one, with all that Tenantry offers. */
  readonly tenantry: Tenantry;
  /** Guard calls. */
  readonly guard: Guard;

  constructor(options: HighflameOptions = {}) {
    if (typeof options !== "object" || options === null) throw misconfigured("`options` is not an object");
    for (const name of ["dataDir", "inMemory", "dev"]) {
      if (name in options) throw misconfigured(`\`${name}\` is no option here: set it with \`TENANTRY_*\` or tenantry.toml`);
    }
    const { apiKey, accessToken, baseUrl, timeout, accountId, projectId, defaultHeaders } = options;
    const key = apiKey || accessToken;
    if (!key) throw misconfigured("neither apiKey nor accessToken is given");
    const deadlineMs = typeof timeout === "number" ? Math.round(timeout) : timeout;
    this.tenantry = new Tenantry({ apiKey: key, baseUrl, deadlineMs, accountId, projectId, defaultHeaders });
    this.guard = new Guard(this.tenantry);
  }

  /** Not there: throws. */
  get detect(): never {
    throw missing("client.detect");
  }

  /** The detectors there are. */
  get detectors(): { list(): Promise<ListDetectorsResponse> } {
    return { list: async () => listed(await this.tenantry.guard.detectors()) };
  }

  /** Not there: throws. */
  get debug(): never {
    throw missing("client.debug");
  }

  /** Writes down everything pending and refuses further calls. Safe to call twice. */
  close(): Promise<void> {
    return this.tenantry.close();
  }

  [Symbol.dispose](): void {
    this.tenantry.closeSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** See `Highflame.guard`. */
export class Guard {
  readonly #client: Tenantry;

  /** @internal */
  constructor(client: Tenantry) {
    this.#client = client;
  }

  /** Decides one call. */
  async evaluate(request: GuardRequest): Promise<GuardResponse> {
    return answered(await this.#client.guard.evaluate(ours("request", request)));
  }

  /** Decides on a prompt a user sends. */
  async evaluatePrompt(content: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return answered(await this.#client.guard.evaluatePrompt(content, ours("options", options)));
  }

  /** Decides on a text a model gave back. */
  async evaluateResponse(content: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return answered(await this.#client.guard.evaluateResponse(content, ours("options", options)));
  }

  /** Decides on a tool call. */
  async evaluateToolCall(
    name: string,
    toolArguments?: JsonObject,
    options?: EvaluateOptions,
  ): Promise<GuardResponse> {
    return answered(await this.#client.guard.evaluateToolCall(name, toolArguments, ours("options", options)));
  }

  /** Decides on a file that is read (the default) or, with `operation` `write`, written. */
  async evaluateFile(content: string, path: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return answered(await this.#client.guard.evaluateFile(content, path, ours("options", options)));
  }

  /** Not there: throws. */
  stream(..._request: unknown[]): never {
    throw missing("guard.stream");
  }
}

/** What every wrapper of the public client takes. */
export interface WrapperOptions {
  /** How strictly to apply policy outcomes. Default `enforce`. */
  readonly mode?: Mode | undefined;
  /** Ties turns of one conversation together. */
  readonly sessionId?: string | undefined;
  /** Taken and not used: it spares detectors nobody reads, which an embedded engine does anyway. */
  readonly optimize?: boolean | undefined;
}

/** Options of `prompt`. */
export interface PromptOptions extends WrapperOptions {
  /** Which argument is the text, counted from 0. */
  readonly contentArg?: number | undefined;
}

/** Options of `tool` and `toolResponse`. */
export interface ToolOptions extends WrapperOptions {
  /** The tool's name. Default: the function's. */
  readonly toolName?: string | undefined;
}

/** Options of `wrap`. */
export interface WrapOptions extends PromptOptions {
  /** What kind of text it is. */
  readonly contentType: ContentType;
  /** What is about to happen, e.g. `write_file`. */
  readonly action: string;
}

type Function<A extends unknown[], R> = (...args: A) => R;
type Promising<A extends unknown[], R> = (...args: A) => Promise<Awaited<R>>;

/** The wrappers under the public client's options. Unlike there, redacted text is passed on. */
export class Shield {
  readonly #client: Tenantry;
  readonly #shield: PlainShield;

  constructor(client: Highflame) {
    if (!(client instanceof Highflame)) throw misconfigured("a Shield takes a Highflame client");
    this.#client = client.tenantry;
    this.#shield = new PlainShield(this.#client);
  }

  /** Guards the text among the arguments. */
  prompt<A extends unknown[], R>(target: Function<A, R>, options: PromptOptions = {}): Promising<A, R> {
    const { contentArg: arg, ...rest } = chosen(options, ["contentArg"]);
    return own(target, this.#shield.prompt<A, R, number>(target as never, { ...rest, arg }));
  }

  /** Guards the arguments of a tool call, as `arg0`, `arg1` and so on. */
  tool<A extends unknown[], R>(target: Function<A, R>, options: ToolOptions = {}): Promising<A, R> {
    const { toolName: name, ...rest } = chosen(options, ["toolName"]);
    return own(target, this.#shield.tool(target, { ...rest, name, names: NAMES }));
  }

  /** Guards what a tool returns. */
  toolResponse<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Function<A, R>,
    options: ToolOptions = {},
  ): Promising<A, Guarding<Awaited<R>>> {
    const { toolName: name, ...rest } = chosen(options, ["toolName"]);
    return own(target, this.#shield.toolresponse(target, { ...rest, name }));
  }

  /** As `toolResponse`. */
  toolresponse<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Function<A, R>,
    options: ToolOptions = {},
  ): Promising<A, Guarding<Awaited<R>>> {
    return this.toolResponse(target, options);
  }

  /** Guards what a model returns. */
  modelResponse<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Function<A, R>,
    options: WrapperOptions = {},
  ): Promising<A, Guarding<Awaited<R>>> {
    return own(target, this.#shield.response(target, chosen(options, [])));
  }

  /** As `modelResponse`. */
  modelresponse<A extends unknown[], R extends Answer | PromiseLike<Answer>>(
    target: Function<A, R>,
    options: WrapperOptions = {},
  ): Promising<A, Guarding<Awaited<R>>> {
    return this.modelResponse(target, options);
  }

  /** Guards the text among the arguments, as whatever the options say it is. */
  wrap(options: WrapOptions): <A extends unknown[], R>(target: Function<A, R>) => Promising<A, R> {
    const { contentArg: arg, contentType, action, ...rest } = chosen(options, ["contentArg", "contentType", "action"]);
    if (typeof contentType !== "string" || typeof action !== "string") {
      throw misconfigured("`wrap` needs `contentType` and `action`");
    }
    const client = this.#client;
    const evaluate = (question: Plain.GuardRequest): Promise<PlainResponse> =>
      client.guard.evaluate({ ...question, contentType, action });
    const shield = new PlainShield({ guard: { evaluate } as PlainGuard });
    return <A extends unknown[], R>(target: Function<A, R>): Promising<A, R> =>
      own(target, shield.prompt<A, R, number>(target as never, { ...rest, arg }));
  }
}

/** Arguments' names, for functions with any number of them that anybody writes. */
const NAMES: readonly string[] = Array.from({ length: 100 }, (_, index) => `arg${index}`);

function own<A extends unknown[], R>(target: { readonly name: string }, wrapper: Promising<A, R>): Promising<A, R> {
  const wrapped = async function (this: unknown, ...args: A): Promise<Awaited<R>> {
    try {
      return await wrapper.apply(this, args);
    } catch (error) {
      throw error instanceof PlainBlockedError ? new BlockedError(error) : error;
    }
  };
  return Object.defineProperty(wrapped, "name", { value: target.name, configurable: true });
}

/** Options of a wrapper, every one of them known; what is left of them is for the plain one to check. */
function chosen<T extends WrapperOptions>(options: T, more: readonly string[]): Omit<T, "optimize"> {
  if (typeof options !== "object" || options === null) throw misconfigured("`options` is not an object");
  for (const name of Reflect.ownKeys(options)) {
    if (typeof name === "string" && ["mode", "sessionId", "optimize", ...more].includes(name)) continue;
    throw misconfigured(`\`${shortened(String(name))}\` is no option of this wrapper`);
  }
  const { optimize: _, ...rest } = options;
  return { ...rest, mode: rest.mode ?? "enforce" };
}

const PARTS: readonly string[] = ["tool", "model", "file", "mcp"];

/** Names of fields as Tenantry has them; what is the caller's own (metadata, arguments) stays as it is. */
function ours<T>(what: string, value: unknown): T {
  const taken = given<unknown>(what, value);
  if (typeof taken !== "object" || taken === null || Array.isArray(taken)) return taken as T;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(taken)) {
    const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (Object.hasOwn(fields, camel)) {
      const message = `\`${shortened(name)}\` of \`${what}\` is given twice`;
      throw new InvalidRequestError(message, { code: "request_invalid" });
    }
    fields[camel] = PARTS.includes(name) && !PARTS.includes(what) ? ours(name, field) : field;
  }
  return fields as T;
}

function answered(response: PlainResponse): GuardResponse {
  const { allowed, denied } = response;
  const wire = response.toJSON();
  return { signals: [], determining_policies: [], ...wire, allowed, denied } as unknown as GuardResponse;
}

function listed(found: readonly Detector[]): ListDetectorsResponse {
  return { count: found.length, detectors: found.map((each) => each.toJSON() as unknown as DetectorInfo) };
}

function missing(name: string): InvalidRequestError {
  return new InvalidRequestError(`\`${name}\` of the public client is not there in tenantry/compat/highflame`, {
    code: "request_invalid",
    help: "use `client.tenantry`, the Tenantry client behind this one",
  });
}

function misconfigured(message: string): InvalidRequestError {
  return new InvalidRequestError(message, { code: "config_invalid" });
}
