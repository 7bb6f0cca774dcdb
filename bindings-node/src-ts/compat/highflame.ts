// The names of the public Highflame client, decided by Tenantry: embedded, or by the server `baseUrl` names. Change
// `"@highflame/sdk"` to `"tenantry/compat/highflame"` in imports; the rest of the code stays. Every key is verified:
// without a server that issued it, only dev mode (`TENANTRY_DEV=1`) takes any.

import { Shield as PlainShield, Tenantry } from "../index.js";
import { InvalidArgument as InvalidRequestError } from "../errors.js";
import type { Mode } from "../requests.js";

export {
  BlockedError,
  InvalidArgument as InvalidRequestError,
  RateLimited as RateLimitError,
  TenantryError as HighflameError,
  Unauthenticated as AuthenticationError,
  Unavailable as APIConnectionError,
} from "../errors.js";
export {
  AgentIdentity as AgentIdentityTrace,
  DebugInfo,
  DetectorResult,
  DetectResponse,
  DeterminingPolicy,
  GuardResponse,
  PolicySummary,
  RootCause,
  SessionDelta,
} from "../index.js";
export type {
  FileContext,
  GuardRequest,
  McpContext as MCPContext,
  ModelContext,
  ToolContext,
} from "../requests.js";

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

/** A client of one project: the one its key, or `accountId` and `projectId`, name. */
export class Highflame extends Tenantry {
  constructor(options: HighflameOptions = {}) {
    const { apiKey, accessToken, baseUrl, timeout, accountId, projectId, defaultHeaders } = options;
    const key = apiKey || accessToken;
    if (!key) {
      throw new InvalidRequestError("neither apiKey nor accessToken is given", { code: "config_invalid" });
    }
    const deadlineMs = typeof timeout === "number" ? Math.round(timeout) : timeout;
    super({ apiKey: key, baseUrl, deadlineMs, accountId, projectId, defaultHeaders });
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

/** Options of `tool` and `toolresponse`. */
export interface ToolOptions extends WrapperOptions {
  /** The tool's name. Default: the function's. */
  readonly toolName?: string | undefined;
}

type Plain<A extends unknown[], R> = (...args: A) => R;
type Promising<A extends unknown[], R> = (...args: A) => Promise<Awaited<R>>;

/** The wrappers under the public client's options. Unlike there, redacted text is passed on. */
export class Shield {
  readonly #shield: PlainShield;

  constructor(client: Highflame) {
    this.#shield = new PlainShield(client);
  }

  /** Guards the text among the arguments. */
  prompt<A extends unknown[], R>(target: Plain<A, R>, options: PromptOptions = {}): Promising<A, R> {
    return this.#shield.prompt(target, { ...shared(options), arg: options.contentArg });
  }

  /** Guards the arguments of a tool call. */
  tool<A extends unknown[], R>(target: Plain<A, R>, options: ToolOptions = {}): Promising<A, R> {
    return this.#shield.tool(target, { ...shared(options), name: options.toolName });
  }

  /** Guards what a tool returns. */
  toolresponse<A extends unknown[], R>(target: Plain<A, R>, options: ToolOptions = {}): Promising<A, R> {
    return this.#shield.toolresponse(target, { ...shared(options), name: options.toolName });
  }

  /** Guards what a model returns. */
  modelresponse<A extends unknown[], R>(target: Plain<A, R>, options: WrapperOptions = {}): Promising<A, R> {
    return this.#shield.response(target, shared(options));
  }
}

function shared({ mode, sessionId }: WrapperOptions): { mode: Mode; sessionId: string | undefined } {
  return { mode: mode ?? "enforce", sessionId };
}
