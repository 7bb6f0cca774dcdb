// What callers give: options, requests and their parts. Absent, `undefined` and `null` are the same everywhere.

import type { Maybe } from "./data.js";
import type { Mode, PrincipalType } from "./operations/inputs.js";

/** Data as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Fields that are `undefined` are not there. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** A set of public keys (RFC 7517). */
export interface JsonWebKeySet {
  /** The keys, each as a JWK. */
  readonly keys: readonly JsonObject[];
}

/** What kind of text `content` is. */
export type ContentType = "prompt" | "response" | "tool_call" | "file" | "clipboard";

/** How a client is opened. What is absent is looked up in `TENANTRY_*`, then in `tenantry.toml`. */
export interface Options {
  /** The folder data lives in; made at first use. Default `./.tenantry`. */
  readonly dataDir?: Maybe<string>;
  /** Keep everything in memory: gone with the client. */
  readonly inMemory?: Maybe<boolean>;
  /** Dev mode: any key is taken, tenants are made up when first named. */
  readonly dev?: Maybe<boolean>;
  /** A credential to act with. */
  readonly apiKey?: Maybe<string>;
  /** Name tenants by verified credentials only: `tenant(account, project)` is then refused. */
  readonly requireCredentials?: Maybe<boolean>;
  /** The account to act in. */
  readonly accountId?: Maybe<string>;
  /** The project to act in. */
  readonly projectId?: Maybe<string>;
  /** A server to talk to instead of the embedded engine. */
  readonly baseUrl?: Maybe<string>;
  /** How long a call may take, in milliseconds. Default 250. */
  readonly deadlineMs?: Maybe<number>;
  /** Recorded with each call; those that carry credentials are left out. */
  readonly defaultHeaders?: Maybe<Readonly<Record<string, string>>>;
}

/** The caller on whose behalf guard calls are made. */
export interface Principal {
  /** What it is. Default `user`. */
  readonly type?: Maybe<PrincipalType>;
  /** Its id, 1 to 512 bytes. */
  readonly id: string;
  /** Its roles, highest first. */
  readonly roles?: Maybe<readonly string[]>;
  /** Its OAuth scopes. */
  readonly scopes?: Maybe<readonly string[]>;
}

/** The tool a `call_tool` request wants to use. */
export interface ToolContext {
  /** The tool's name. */
  readonly name: string;
  /** Whether the caller says the tool is its own. A claim, never proof. */
  readonly isBuiltin?: Maybe<boolean>;
  /** The arguments; every string in them is inspected. */
  readonly arguments?: Maybe<JsonObject>;
  /** What the tool says it does. */
  readonly description?: Maybe<string>;
  /** The MCP server the tool comes from. */
  readonly serverId?: Maybe<string>;
}

/** The model behind the call. */
export interface ModelContext {
  /** The provider's name. */
  readonly provider?: Maybe<string>;
  /** The model's name. */
  readonly model?: Maybe<string>;
  /** Sampling temperature. */
  readonly temperature?: Maybe<number>;
  /** Upper bound of tokens to generate. */
  readonly maxTokens?: Maybe<number>;
  /** Tokens used in all. */
  readonly tokensUsed?: Maybe<number>;
  /** Tokens of the prompt. */
  readonly inputTokens?: Maybe<number>;
  /** Tokens of the answer. */
  readonly outputTokens?: Maybe<number>;
  /** Tokens read from the provider's cache. */
  readonly cacheReadTokens?: Maybe<number>;
  /** Tokens written to the provider's cache. */
  readonly cacheWriteTokens?: Maybe<number>;
  /** Tokens written to the provider's one-hour cache. */
  readonly cacheWrite1hTokens?: Maybe<number>;
}

/** The file a `read_file` or `write_file` request is about. */
export interface FileContext {
  /** Where the file is. */
  readonly path: string;
  /** What is done with it. Default `read`. */
  readonly operation?: Maybe<string>;
  /** The last part of the path. */
  readonly fileName?: Maybe<string>;
  /** The extension without the dot. */
  readonly fileExtension?: Maybe<string>;
  /** The media type. */
  readonly mimeType?: Maybe<string>;
  /** Microsoft Information Protection label id. */
  readonly mipLabelId?: Maybe<string>;
  /** Microsoft Information Protection label name. */
  readonly mipLabelName?: Maybe<string>;
  /** How sensitive the file is. */
  readonly sensitivityLevel?: Maybe<string>;
  /** Size in bytes. */
  readonly size?: Maybe<number>;
  /** Whether the file is encrypted. */
  readonly isEncrypted?: Maybe<boolean>;
  /** Whether rights management protects the file. */
  readonly isRightsManaged?: Maybe<boolean>;
}

/** The MCP server a `connect_server` request wants to reach. */
export interface McpContext {
  /** The server's name. */
  readonly serverName: string;
  /** Where the server is. */
  readonly serverUrl?: Maybe<string>;
  /** How it is spoken to. */
  readonly transport?: Maybe<string>;
  /** Whether the caller says the server is verified. A claim, never proof. */
  readonly verified?: Maybe<boolean>;
  /** What the server offers. */
  readonly capabilities?: Maybe<readonly string[]>;
}

/** What every guard call takes. */
export interface CallOptions {
  /** How strictly to apply policy outcomes; the project's floor may raise it. Default `enforce`. */
  readonly mode?: Maybe<Mode>;
  /** Ties turns of one conversation together. */
  readonly sessionId?: Maybe<string>;
  /** Facts the caller claims; names and values are passed on untouched. */
  readonly metadata?: Maybe<JsonObject>;
  /** Fill the explain tier of the response. */
  readonly explain?: Maybe<boolean>;
  /** Fill the debug tier of the response. */
  readonly debug?: Maybe<boolean>;
  /** Answer what would happen; reserve, remember and consume nothing. */
  readonly dryrun?: Maybe<boolean>;
}

/** Options of `evaluatePrompt` and `evaluateResponse`. */
export interface EvaluateOptions extends CallOptions {
  /** The model behind the call. */
  readonly model?: Maybe<ModelContext>;
}

/** Options of `evaluateToolCall`. */
export interface ToolCallOptions extends CallOptions {
  /** Whether the caller says the tool is its own. */
  readonly isBuiltin?: Maybe<boolean>;
  /** What the tool says it does. */
  readonly description?: Maybe<string>;
  /** The MCP server the tool comes from. */
  readonly serverId?: Maybe<string>;
}

/** Options of `evaluateFile`. */
export interface FileOptions extends CallOptions {
  /** What is done with the file: `write` means `write_file`, any other `read_file`. Default `read`. */
  readonly operation?: Maybe<string>;
}

/** Options of `detect`. */
export interface DetectOptions {
  /** What kind of text it is. Default `prompt`. */
  readonly contentType?: Maybe<ContentType>;
  /** The tool it belongs to. */
  readonly tool?: Maybe<ToolContext>;
  /** Detectors to run. Default all. */
  readonly detectors?: Maybe<readonly string[]>;
}

/** One question: may this content and action pass? */
export interface GuardRequest extends EvaluateOptions {
  /** The text to inspect. */
  readonly content: string;
  /** What kind of text it is. Default `prompt`. */
  readonly contentType?: Maybe<ContentType>;
  /** What is about to happen, e.g. `call_tool`. Default `process_prompt`. */
  readonly action?: Maybe<string>;
  /** The tool, for `call_tool`. */
  readonly tool?: Maybe<ToolContext>;
  /** The file, for `read_file` and `write_file`. */
  readonly file?: Maybe<FileContext>;
  /** The server, for `connect_server`. */
  readonly mcp?: Maybe<McpContext>;
  /** Further texts that belong to the call. */
  readonly contexts?: Maybe<readonly string[]>;
  /** Detectors to run; empty means all. */
  readonly detectors?: Maybe<readonly string[]>;
  /** Stop after a detector tier that already denies. */
  readonly earlyExit?: Maybe<boolean>;
  /** Run only detectors whose keys a policy reads. */
  readonly optimize?: Maybe<boolean>;
}

/** Options of `evaluate`. */
export interface OnceOptions {
  /**
   * Names the call, in 1 to 256 printable ASCII characters: whoever repeats the request under the same key within a day gets
   * the same answer, and nothing is decided or charged a second time.
   */
  readonly idempotencyKey?: Maybe<string>;
}

/** Options of `limits.acquire`. */
export interface AcquireOptions {
  /** Which counter, for limits with the key `custom`. Default `""`. */
  readonly key?: Maybe<string>;
  /** How much to take. Default 1. */
  readonly cost?: Maybe<number>;
}

/**
 * What a caller presents: a token or key on its own, or the headers of its request.
 *
 * Headers come as fetch's `Headers` or anything else that gives pairs, or as a plain object such as Node's
 * `req.headersDistinct` and `req.headers`. Give `req.headersDistinct` where there is a choice: `req.headers` has dropped
 * every `Authorization` but the first before anybody could refuse the request, and `headersDistinct` keeps them.
 */
export type Credential =
  | string
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, Maybe<string | readonly string[]>>>;

/** Options of `authenticate`: the rest of the request, where there is one. */
export interface AuthenticateOptions {
  /** The request's method. */
  readonly method?: Maybe<string>;
  /** The request's path and query; a query may carry a token for streams only. */
  readonly target?: Maybe<string>;
  /** The peer's address. Dev mode's headers are taken from this machine only. */
  readonly peer?: Maybe<string>;
}
