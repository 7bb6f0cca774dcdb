// Written by scripts/types.mjs from the Rust sources; do not edit.

import type { AcquireOptions, AuditQuery, AuthenticateOptions, DetectOptions, EvaluateOptions, Facts, FileOptions, GuardRequest, Issuer, JsonObject, KeyOptions, KeyQuery, LayerOptions, Limit, NewGrant, NewIdentitySettings, OnceOptions, Options, PolicyOptions, Principal, RotateOptions, SettingsChange, TokenOptions, TokenRequest, ToolCallOptions, UsageReport } from "../src-ts/requests.js" with { "resolution-mode": "import" };

/** Customer organisations. */
export declare class Accounts {
  /** Creates an account. `Conflict` when an id that differs at most in case exists. */
  createSync(id: string, facts?: Facts): string
  /** Creates an account. `Conflict` when an id that differs at most in case exists. */
  create(id: string, facts?: Facts): string | Promise<string>
  /** Gives the account of this id, and creates it where there is none. */
  ensureSync(id: string, facts?: Facts): string
  /** Gives the account of this id, and creates it where there is none. */
  ensure(id: string, facts?: Facts): string | Promise<string>
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
  /** Reads rows of this project's chain. */
  querySync(options?: AuditQuery): string
  /** Reads rows of this project's chain. */
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

/** Cross-tenant grants. */
export declare class Grants {
  /** Lets principals of one account act in a project of another, for named actions and a time. */
  createSync(grant: NewGrant): string
  /** Lets principals of one account act in a project of another, for named actions and a time. */
  create(grant: NewGrant): string | Promise<string>
  /** Grants that have not ended, by id. */
  listSync(): string
  /** Grants that have not ended, by id. */
  list(): string | Promise<string>
  /** Ends a grant at once. */
  revokeSync(id: string): void
  /** Ends a grant at once. */
  revoke(id: string): undefined | Promise<undefined>
  /** Reads what crossed between tenants. */
  usesSync(options?: AuditQuery): string
  /** Reads what crossed between tenants. */
  uses(options?: AuditQuery): string | Promise<string>
}

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
  /** The detectors there are, and the keys policies can read of them. */
  detectorsSync(): string
  /** The detectors there are, and the keys policies can read of them. */
  detectors(): string | Promise<string>
  /** Inspects without policies, limits or memory. */
  detectSync(content: string, options?: DetectOptions): string
  /** Inspects without policies, limits or memory. */
  detect(content: string, options?: DetectOptions): string | Promise<string>
}

/** Who credentials are, and what the platform decides about them. */
export declare class Identities {
  get issuers(): Issuers
  get keys(): Keys
  get tokens(): Tokens
  /** Who a token or key is, and what it reaches. */
  verifySync(credential: string): string
  /** Who a token or key is, and what it reaches. */
  verify(credential: string): string | Promise<string>
  /** The platform's settings of identity. */
  settingsSync(): string
  /** The platform's settings of identity. */
  settings(): string | Promise<string>
  /** Replaces the platform's settings of identity. */
  putSettingsSync(settings: NewIdentitySettings): string
  /** Replaces the platform's settings of identity. */
  putSettings(settings: NewIdentitySettings): string | Promise<string>
}

/** Identity providers whose tokens are taken. */
export declare class Issuers {
  /** Takes an issuer's tokens from now on, replacing what was said of it before. */
  putSync(issuer: Issuer): string
  /** Takes an issuer's tokens from now on, replacing what was said of it before. */
  put(issuer: Issuer): string | Promise<string>
  /** The keys of an issuer as they are now. */
  checkSync(issuer: string): string
  /** The keys of an issuer as they are now. */
  check(issuer: string): string | Promise<string>
  /** Takes none of an issuer's tokens any more. */
  removeSync(issuer: string): void
  /** Takes none of an issuer's tokens any more. */
  remove(issuer: string): undefined | Promise<undefined>
  /** All issuers by name, without their secrets. */
  listSync(): string
  /** All issuers by name, without their secrets. */
  list(): string | Promise<string>
}

/** API keys. */
export declare class Keys {
  /** Makes a key, or imports one by its hash. */
  createSync(name: string, options?: KeyOptions): string
  /** Makes a key, or imports one by its hash. */
  create(name: string, options?: KeyOptions): string | Promise<string>
  /** The keys of a project, an account, or of the caller's own place. */
  listSync(options?: KeyQuery): string
  /** The keys of a project, an account, or of the caller's own place. */
  list(options?: KeyQuery): string | Promise<string>
  /** One key, without its secret. */
  getSync(id: string): string
  /** One key, without its secret. */
  get(id: string): string | Promise<string>
  /** Ends a key and everything that was exchanged for it. */
  revokeSync(id: string): string
  /** Ends a key and everything that was exchanged for it. */
  revoke(id: string): string | Promise<string>
  /** Makes a key to take another's place. */
  rotateSync(id: string, options?: RotateOptions): string
  /** Makes a key to take another's place. */
  rotate(id: string, options?: RotateOptions): string | Promise<string>
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
  /** Gives the project of this id, and creates it where there is none. */
  ensureSync(account: string, id: string, facts?: Facts): string
  /** Gives the project of this id, and creates it where there is none. */
  ensure(account: string, id: string, facts?: Facts): string | Promise<string>
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
  /** Who the credential behind this handle is, as JSON; nobody when the process itself named the tenant. */
  get caller(): string | null
  get identity(): Identities
  get guard(): Guard
  get usage(): Usage
  get policies(): Policies
  get limits(): Limits
  get settings(): TenantSettings
  get audit(): Audit
  /** Refuses a caller that lacks one of `scopes`. */
  requireScopesSync(scopes: readonly string[]): void
  /** Refuses a caller that lacks one of `scopes`. */
  requireScopes(scopes: readonly string[]): undefined | Promise<undefined>
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
  get grants(): Grants
  get identity(): Identities
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

/** Our own tokens. */
export declare class Tokens {
  /** The token endpoint. */
  exchangeSync(request: TokenRequest): string
  /** The token endpoint. */
  exchange(request: TokenRequest): string | Promise<string>
  /** A token for somebody the app itself has authenticated. */
  issueSync(subject: string, options?: TokenOptions): string
  /** A token for somebody the app itself has authenticated. */
  issue(subject: string, options?: TokenOptions): string | Promise<string>
  /** What a token or key is worth now. */
  introspectSync(token: string): string
  /** What a token or key is worth now. */
  introspect(token: string): string | Promise<string>
  /** Ends a token; a refresh token with everything it led to. */
  revokeSync(token: string): void
  /** Ends a token; a refresh token with everything it led to. */
  revoke(token: string): undefined | Promise<undefined>
  /** Our public keys as a JWK set. */
  jwksSync(): string
  /** Our public keys as a JWK set. */
  jwks(): string | Promise<string>
  /** Signs with a new key from now on. */
  rotateSigningKeySync(): void
  /** Signs with a new key from now on. */
  rotateSigningKey(): undefined | Promise<undefined>
}

/** What model calls of one project cost. */
export declare class Usage {
  /** Prices one model call and writes down what it cost. */
  reportSync(report: UsageReport): string
  /** Prices one model call and writes down what it cost. */
  report(report: UsageReport): string | Promise<string>
}

/** Refuses a tool's name that no policy could mean. */
export declare function checkToolName(name: string): void

/** The printed line of an audit head. */
export declare function headLine(head: string): string

/** `content` as it may be passed on under a response. */
export declare function passedOn(response: string, content: string): string

/**
 * What the core reads in a response, as JSON: `allowed`, `denied`, `suspended`, and `blocked` when it is an error to go
 * on.
 */
export declare function readings(response: string): string

/** What the process was not yet told of variables that nothing reads; each is handed out once. */
export declare function untoldVariables(): Array<string>
