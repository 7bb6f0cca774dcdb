// Written by scripts/types.mjs from the Rust sources; do not edit.

import type { AcquireOptions, AuditQuery, DetectOptions, EvaluateOptions, Facts, FileOptions, GuardRequest, JsonObject, LayerOptions, Limit, Options, PolicyOptions, Principal, SettingsChange, ToolCallOptions } from "../src-ts/requests.js" with { "resolution-mode": "import" };

/** Customer organisations. */
export declare class Accounts {
  /** Creates an account. `Conflict` when an id that differs at most in case exists. */
  createSync(id: string, facts?: Facts): string
  /** Creates an account. `Conflict` when an id that differs at most in case exists. */
  create(id: string, facts?: Facts): string | Promise<string>
  /** One account. */
  getSync(id: string): string
  /** One account. */
  get(id: string): string | Promise<string>
  /** All accounts, by id. */
  listSync(): string
  /** All accounts, by id. */
  list(): string | Promise<string>
  /** Suspends an account: every call in it is denied until it is resumed. */
  suspendSync(id: string): string
  /** Suspends an account: every call in it is denied until it is resumed. */
  suspend(id: string): string | Promise<string>
  /** Ends a suspension. */
  resumeSync(id: string): string
  /** Ends a suspension. */
  resume(id: string): string | Promise<string>
  /** Deletes an account and its projects. */
  deleteSync(id: string): void
  /** Deletes an account and its projects. */
  delete(id: string): undefined | Promise<undefined>
}

/** The audit trail of one project. */
export declare class Audit {
  /** Rows of this project's chain, oldest first. */
  querySync(options?: AuditQuery): string
  /** Rows of this project's chain, oldest first. */
  query(options?: AuditQuery): string | Promise<string>
  /** Recomputes the chain and compares it with the signed heads and, if given, an outside anchor. */
  verifySync(anchor?: string): string
  /** Recomputes the chain and compares it with the signed heads and, if given, an outside anchor. */
  verify(anchor?: string): string | Promise<string>
  /** A freshly signed head. */
  headSync(): string
  /** A freshly signed head. */
  head(): string | Promise<string>
}

/** Guard calls of one project. */
export declare class Guard {
  /** Decides one call. */
  evaluateSync(request: GuardRequest): string
  /** Decides one call. */
  evaluate(request: GuardRequest): string | Promise<string>
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
  /** Decides on a file that is read or written. */
  evaluateFileSync(content: string, path: string, options?: FileOptions): string
  /** Decides on a file that is read or written. */
  evaluateFile(content: string, path: string, options?: FileOptions): string | Promise<string>
  /** Inspects without policies, limits or memory. */
  detectSync(content: string, options?: DetectOptions): string
  /** Inspects without policies, limits or memory. */
  detect(content: string, options?: DetectOptions): string | Promise<string>
}

/** Rate limits of one project and the layers above. */
export declare class Limits {
  /** Sets a rate limit, replacing the one with the same id on the same layer. */
  setSync(limit: Limit): void
  /** Sets a rate limit, replacing the one with the same id on the same layer. */
  set(limit: Limit): undefined | Promise<undefined>
  /** Removes a rate limit. */
  removeSync(id: string, options?: LayerOptions): void
  /** Removes a rate limit. */
  remove(id: string, options?: LayerOptions): undefined | Promise<undefined>
  /** The limits in force here, all layers. */
  listSync(): string
  /** The limits in force here, all layers. */
  list(): string | Promise<string>
  /** Takes `cost` from a limit for work of the app's own. */
  acquireSync(id: string, options?: AcquireOptions): void
  /** Takes `cost` from a limit for work of the app's own. */
  acquire(id: string, options?: AcquireOptions): undefined | Promise<undefined>
}

/** Policies of one project and the layers above. */
export declare class Policies {
  /** Attaches Cedar text under a name, replacing what was there. */
  putSync(name: string, text: string, options?: PolicyOptions): string
  /** Attaches Cedar text under a name, replacing what was there. */
  put(name: string, text: string, options?: PolicyOptions): string | Promise<string>
  /** Attaches a pack of our own: `baseline` or `strict`. */
  attachPackSync(name: string): string
  /** Attaches a pack of our own: `baseline` or `strict`. */
  attachPack(name: string): string | Promise<string>
  /** Detaches a policy. */
  removeSync(name: string, options?: LayerOptions): void
  /** Detaches a policy. */
  remove(name: string, options?: LayerOptions): undefined | Promise<undefined>
  /** The policies in force here, all layers. */
  listSync(): string
  /** The policies in force here, all layers. */
  list(): string | Promise<string>
}

/** Workspaces of an account. */
export declare class Projects {
  /** Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`. */
  createSync(account: string, id: string, facts?: Facts): string
  /** Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`. */
  create(account: string, id: string, facts?: Facts): string | Promise<string>
  /** One project. */
  getSync(account: string, id: string): string
  /** One project. */
  get(account: string, id: string): string | Promise<string>
  /** The projects of an account, by id. */
  listSync(account: string): string
  /** The projects of an account, by id. */
  list(account: string): string | Promise<string>
  /** Suspends a project: every call in it is denied until it is resumed. */
  suspendSync(account: string, id: string): string
  /** Suspends a project: every call in it is denied until it is resumed. */
  suspend(account: string, id: string): string | Promise<string>
  /** Ends a suspension. */
  resumeSync(account: string, id: string): string
  /** Ends a suspension. */
  resume(account: string, id: string): string | Promise<string>
  /** Deletes a project. */
  deleteSync(account: string, id: string): void
  /** Deletes a project. */
  delete(account: string, id: string): undefined | Promise<undefined>
}

/** The handle code holds to act inside one project. */
export declare class Tenant {
  get accountId(): string
  get projectId(): string
  /** The same project on behalf of a principal; this process vouches for it. */
  actingAs(principal: Principal): Tenant
  get guard(): Guard
  get policies(): Policies
  get limits(): Limits
  get settings(): TenantSettings
  get audit(): Audit
}

/** Settings of one project. */
export declare class TenantSettings {
  /** The settings in force. */
  getSync(): string
  /** The settings in force. */
  get(): string | Promise<string>
  /** Changes the given fields. */
  updateSync(settings: SettingsChange): string
  /** Changes the given fields. */
  update(settings: SettingsChange): string | Promise<string>
}

/** One engine, many tenants. */
export declare class Tenantry {
  /** Opens the engine: data in `./.tenantry` unless the options, `TENANTRY_*` or `tenantry.toml` say otherwise. */
  constructor(options?: Options)
  get accounts(): Accounts
  get projects(): Projects
  get closed(): boolean
  /** The handle of one project. Never creates it, except in dev mode. */
  tenantSync(account: string, project: string): Tenant
  /** The handle of one project. Never creates it, except in dev mode. */
  tenant(account: string, project: string): Tenant | Promise<Tenant>
  /** The handle of the client's own project: the one its credential or configuration names. */
  ownSync(): Tenant
  /** The handle of the client's own project: the one its credential or configuration names. */
  own(): Tenant | Promise<Tenant>
  /** Writes down everything pending and refuses further calls. Safe to call twice. */
  closeSync(): void
  /** Writes down everything pending and refuses further calls. Safe to call twice. */
  close(): undefined | Promise<undefined>
}

/** The printed line of an audit head. */
export declare function headLine(head: string): string

/** `content` as it may be passed on under a response. */
export declare function passedOn(response: string, content: string): string

/**
 * What the core reads in a response, as JSON: `allowed`, `denied`, `suspended`, and `blocked` when it is an error to go
 * on.
 */
export declare function readings(response: string): string
