// Written by scripts/types.mjs from the Rust sources; do not edit.

import type { AcquireOptions, AuthenticateOptions, DetectOptions, EvaluateOptions, FileOptions, GuardRequest, JsonObject, OnceOptions, Options, Principal, ToolCallOptions } from "../src-ts/requests.js" with { "resolution-mode": "import" };

/** Guard calls of one project. */
export declare class Guard {
  /** Decides one call. */
  evaluateSync(request: GuardRequest, options?: OnceOptions): string
  /** Decides one call. */
  evaluate(request: GuardRequest, options?: OnceOptions): string | Promise<string>
  /** Decides on a prompt a user sends. */
  evaluatePromptSync(content: string, options?: EvaluateOptions): string
  /** Decides on a prompt a user sends. */
  evaluatePrompt(content: string, options?: EvaluateOptions): string | Promise<string>
  /** Decides on a text a model gave back. */
  evaluateResponseSync(content: string, options?: EvaluateOptions): string
  /** Decides on a text a model gave back. */
  evaluateResponse(content: string, options?: EvaluateOptions): string | Promise<string>
  /** Decides on a tool call. */
  evaluateToolCallSync(name: string, toolArguments?: JsonObject, options?: ToolCallOptions): string
  /** Decides on a tool call. */
  evaluateToolCall(name: string, toolArguments?: JsonObject, options?: ToolCallOptions): string | Promise<string>
  /** Decides on what a tool gave back. */
  evaluateToolResponseSync(name: string, content: string, options?: ToolCallOptions): string
  /** Decides on what a tool gave back. */
  evaluateToolResponse(name: string, content: string, options?: ToolCallOptions): string | Promise<string>
  /** Decides on a file that is read or written. */
  evaluateFileSync(content: string, path: string, options?: FileOptions): string
  /** Decides on a file that is read or written. */
  evaluateFile(content: string, path: string, options?: FileOptions): string | Promise<string>
  /** Inspects without policies, limits or memory. */
  detectSync(content: string, options?: DetectOptions): string
  /** Inspects without policies, limits or memory. */
  detect(content: string, options?: DetectOptions): string | Promise<string>
}

/** The handle code holds to act inside one project. */
export declare class Tenant {
  /** Takes `cost` from a limit for work of the app's own. */
  acquireSync(id: string, options?: AcquireOptions): void
  /** Takes `cost` from a limit for work of the app's own. */
  acquire(id: string, options?: AcquireOptions): undefined | Promise<undefined>
  /** Does an operation of the table in this project; none of its operations names another. */
  operateSync(operation: string, levels: readonly string[], input: string): string
  /** Does an operation of the table in this project; none of its operations names another. */
  operate(operation: string, levels: readonly string[], input: string): string | Promise<string>
  get accountId(): string
  get projectId(): string
  /** The same project on behalf of a principal; this process vouches for it. */
  actingAs(principal: Principal): Tenant
  /** Who the credential behind this handle is, as JSON; nobody when the process itself named the tenant. */
  get caller(): string | null
  get guard(): Guard
  /** Refuses a caller that lacks one of `scopes`. */
  requireScopesSync(scopes: readonly string[]): void
  /** Refuses a caller that lacks one of `scopes`. */
  requireScopes(scopes: readonly string[]): undefined | Promise<undefined>
}

/** One engine, many tenants. */
export declare class Tenantry {
  /** Does an operation of the table, on what `levels` name or on what the client reaches. */
  operateSync(operation: string, levels: readonly string[], input: string): string
  /** Does an operation of the table, on what `levels` name or on what the client reaches. */
  operate(operation: string, levels: readonly string[], input: string): string | Promise<string>
  /** Opens the engine: data in `./.tenantry` unless the options, `TENANTRY_*` or `tenantry.toml` say otherwise. */
  constructor(options?: Options)
  get closed(): boolean
  /** The handle of one project. Never creates it, except in dev mode. */
  tenantSync(account: string, project: string): Tenant
  /** The handle of one project. Never creates it, except in dev mode. */
  tenant(account: string, project: string): Tenant | Promise<Tenant>
  /** The handle of whoever presents this. */
  authenticateSync(token: string | undefined, headers: readonly (readonly [string, string])[], options?: AuthenticateOptions): Tenant
  /** The handle of whoever presents this. */
  authenticate(token: string | undefined, headers: readonly (readonly [string, string])[], options?: AuthenticateOptions): Tenant | Promise<Tenant>
  /** The handle of the client's own project: the one its credential or configuration names. */
  ownSync(): Tenant
  /** The handle of the client's own project: the one its credential or configuration names. */
  own(): Tenant | Promise<Tenant>
  /** Writes down everything pending and refuses further calls. Safe to call twice. */
  closeSync(): void
  /** Writes down everything pending and refuses further calls. Safe to call twice. */
  close(): undefined | Promise<undefined>
}

/** Refuses a tool's name that no policy could mean. */
export declare function checkToolName(name: string): void

/** `content` as it may be passed on under a response. */
export declare function passedOn(response: string, content: string): string

/** The milliseconds of a period that the field `name` tells in words. A bare number could be seconds as well. */
export declare function period(name: string, value: unknown): number

/**
 * What the core reads in a response, as JSON: `allowed`, `denied`, `suspended`, and `blocked` when it is an error to go
 * on.
 */
export declare function readings(response: string): string

/** Fingerprint of the table this library was built with. */
export declare function tableHash(): string

/** What the process was not yet told of variables that nothing reads; each is handed out once. */
export declare function untoldVariables(): Array<string>
