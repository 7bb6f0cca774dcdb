/// <reference lib="esnext.disposable" preserve="true" />
// What apps hold, in the order of the core's `client`. Every operation comes twice: `name` promises, `nameSync` waits.

import { inspect } from "node:util";

import { nothing, now, soon } from "./calls.js";
import { Identity } from "./credentials.js";
import { data, given, presented } from "./data.js";
import { InvalidArgument } from "./errors.js";
import { Grants, Identities } from "./identity.js";
import type * as Native from "./native.js";
import native from "./native.js";
import { Account, AuditHead, AuditRecord, LimitSpec, PolicyReceipt, PolicySummary } from "./records.js";
import { Project, Settings, UsageReceipt, VerifyReport } from "./records.js";
import type {
  AcquireOptions,
  AuditQuery,
  AuthenticateOptions,
  Credential,
  DetectOptions,
  EvaluateOptions,
  Facts,
  FileOptions,
  GuardRequest,
  JsonObject,
  LayerOptions,
  Limit,
  OnceOptions,
  Options,
  PolicyOptions,
  Principal,
  SettingsChange,
  ToolCallOptions,
  UsageReport,
} from "./requests.js";
import { Detector, DetectResponse, GuardResponse } from "./responses.js";
import { listOf } from "./value.js";

const account = (json: string): Account => new Account(json);
const accounts = listOf(Account);
const project = (json: string): Project => new Project(json);
const projects = listOf(Project);
const decision = (json: string): GuardResponse => new GuardResponse(json);
const detection = (json: string): DetectResponse => new DetectResponse(json);
const detectors = listOf(Detector);
const usage = (json: string): UsageReceipt => new UsageReceipt(json);
const receipt = (json: string): PolicyReceipt => new PolicyReceipt(json);
const policies = listOf(PolicySummary);
const limits = listOf(LimitSpec);
const settings = (json: string): Settings => new Settings(json);
const records = listOf(AuditRecord);
const head = (json: string): AuditHead => new AuditHead(json);
const report = (json: string): VerifyReport => new VerifyReport(json);
const tenant = (handle: Native.Tenant): Tenant => new Tenant(handle);

/** One engine, many tenants. Make one per process and close it at the end; an open one does not keep the process alive. */
export class Tenantry implements Disposable, AsyncDisposable {
  readonly #native: Native.Tenantry;
  /** Accounts and projects. Needs platform authority at each call. */
  readonly admin: Admin;
  /** Issuers, API keys and tokens, as the client itself. */
  readonly identity: Identities;

  /**
   * Opens the engine: data in `./.tenantry` unless the options, `TENANTRY_*` or `tenantry.toml` say otherwise.
   *
   * @throws InvalidArgument for options that mean nothing, Unauthenticated for a key nobody issued, Unavailable when the
   * data folder cannot be used.
   */
  constructor(options?: Options) {
    this.#native = now(() => new native.Tenantry(given("options", options)), (client) => client);
    this.admin = new Admin(this.#native);
    this.identity = new Identities(this.#native.identity);
  }

  /** The handle of one project. Never creates it, except in dev mode. `NotFound` when it does not exist. */
  tenant(account: string, project: string): Promise<Tenant> {
    return soon(() => this.#native.tenant(account, project), tenant);
  }

  /** As `tenant`, waiting. */
  tenantSync(account: string, project: string): Tenant {
    return now(() => this.#native.tenantSync(account, project), tenant);
  }

  /**
   * The handle of whoever presents this: of the one project its credential reaches, or selects by a header within what it
   * reaches. It acts as the credential's principal and ends with the credential.
   *
   * @throws Unauthenticated for a credential that is missing or not taken, PermissionDenied for a header that leaves what
   * it reaches, InvalidArgument for headers that contradict each other.
   */
  authenticate(credential: Credential, options?: AuthenticateOptions): Promise<Tenant> {
    return soon(() => this.#native.authenticate(...presented(credential), given("options", options)), tenant);
  }

  /** As `authenticate`, waiting. */
  authenticateSync(credential: Credential, options?: AuthenticateOptions): Tenant {
    return now(() => this.#native.authenticateSync(...presented(credential), given("options", options)), tenant);
  }

  /** @internal The handle of the client's own project. */
  own(): Promise<Tenant> {
    return soon(() => this.#native.own(), tenant);
  }

  /** @internal As `own`, waiting. */
  ownSync(): Tenant {
    return now(() => this.#native.ownSync(), tenant);
  }

  /** Guard calls of the client's own project: the one its credential or options name. */
  get guard(): Guard {
    return this.ownSync().guard;
  }

  /** What model calls of the client's own project cost. */
  get usage(): Usage {
    return this.ownSync().usage;
  }

  /** Policies of the client's own project. */
  get policies(): Policies {
    return this.ownSync().policies;
  }

  /** Rate limits of the client's own project. */
  get limits(): Limits {
    return this.ownSync().limits;
  }

  /** Settings of the client's own project. */
  get settings(): TenantSettings {
    return this.ownSync().settings;
  }

  /** The audit trail of the client's own project. */
  get audit(): Audit {
    return this.ownSync().audit;
  }

  /** Writes down everything pending and refuses further calls (`client_closed`). Safe to call twice. */
  close(): Promise<void> {
    return soon(() => this.#native.close(), nothing);
  }

  /** As `close`, waiting. */
  closeSync(): void {
    now(() => this.#native.closeSync(), nothing);
  }

  /** Whether the client was closed. */
  get closed(): boolean {
    return this.#native.closed;
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  [inspect.custom](): string {
    return `Tenantry(${this.closed ? "closed" : "open"})`;
  }
}

/** See `Tenantry.admin`. */
export class Admin {
  /** Customer organisations. */
  readonly accounts: Accounts;
  /** Workspaces of an account. */
  readonly projects: Projects;
  /** Cross-tenant grants. */
  readonly grants: Grants;

  /** @internal */
  constructor(client: Native.Tenantry) {
    this.accounts = new Accounts(client.accounts);
    this.projects = new Projects(client.projects);
    this.grants = new Grants(client.grants);
  }
}

/** See `Admin.accounts`. */
export class Accounts {
  readonly #native: Native.Accounts;

  /** @internal */
  constructor(handle: Native.Accounts) {
    this.#native = handle;
  }

  /** Creates an account. `Conflict` when an id that differs at most in case exists. */
  create(id: string, facts?: Facts): Promise<Account> {
    return soon(() => this.#native.create(id, given("facts", facts)), account);
  }

  /** As `create`, waiting. */
  createSync(id: string, facts?: Facts): Account {
    return now(() => this.#native.createSync(id, given("facts", facts)), account);
  }

  /** One account. */
  get(id: string): Promise<Account> {
    return soon(() => this.#native.get(id), account);
  }

  /** As `get`, waiting. */
  getSync(id: string): Account {
    return now(() => this.#native.getSync(id), account);
  }

  /** All accounts, by id. */
  list(): Promise<readonly Account[]> {
    return soon(() => this.#native.list(), accounts);
  }

  /** As `list`, waiting. */
  listSync(): readonly Account[] {
    return now(() => this.#native.listSync(), accounts);
  }

  /** Suspends an account: every call in it is denied until it is resumed. */
  suspend(id: string): Promise<Account> {
    return soon(() => this.#native.suspend(id), account);
  }

  /** As `suspend`, waiting. */
  suspendSync(id: string): Account {
    return now(() => this.#native.suspendSync(id), account);
  }

  /** Ends a suspension. */
  resume(id: string): Promise<Account> {
    return soon(() => this.#native.resume(id), account);
  }

  /** As `resume`, waiting. */
  resumeSync(id: string): Account {
    return now(() => this.#native.resumeSync(id), account);
  }

  /** Deletes an account and its projects. The name may be used again, with nothing of the old one in it. */
  delete(id: string): Promise<void> {
    return soon(() => this.#native.delete(id), nothing);
  }

  /** As `delete`, waiting. */
  deleteSync(id: string): void {
    now(() => this.#native.deleteSync(id), nothing);
  }
}

/** See `Admin.projects`. */
export class Projects {
  readonly #native: Native.Projects;

  /** @internal */
  constructor(handle: Native.Projects) {
    this.#native = handle;
  }

  /** Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`. */
  create(account: string, id: string, facts?: Facts): Promise<Project> {
    return soon(() => this.#native.create(account, id, given("facts", facts)), project);
  }

  /** As `create`, waiting. */
  createSync(account: string, id: string, facts?: Facts): Project {
    return now(() => this.#native.createSync(account, id, given("facts", facts)), project);
  }

  /** One project. */
  get(account: string, id: string): Promise<Project> {
    return soon(() => this.#native.get(account, id), project);
  }

  /** As `get`, waiting. */
  getSync(account: string, id: string): Project {
    return now(() => this.#native.getSync(account, id), project);
  }

  /** The projects of an account, by id. */
  list(account: string): Promise<readonly Project[]> {
    return soon(() => this.#native.list(account), projects);
  }

  /** As `list`, waiting. */
  listSync(account: string): readonly Project[] {
    return now(() => this.#native.listSync(account), projects);
  }

  /** Suspends a project: every call in it is denied until it is resumed. */
  suspend(account: string, id: string): Promise<Project> {
    return soon(() => this.#native.suspend(account, id), project);
  }

  /** As `suspend`, waiting. */
  suspendSync(account: string, id: string): Project {
    return now(() => this.#native.suspendSync(account, id), project);
  }

  /** Ends a suspension. */
  resume(account: string, id: string): Promise<Project> {
    return soon(() => this.#native.resume(account, id), project);
  }

  /** As `resume`, waiting. */
  resumeSync(account: string, id: string): Project {
    return now(() => this.#native.resumeSync(account, id), project);
  }

  /** Deletes a project. The name may be used again, with nothing of the old one in it. */
  delete(account: string, id: string): Promise<void> {
    return soon(() => this.#native.delete(account, id), nothing);
  }

  /** As `delete`, waiting. */
  deleteSync(account: string, id: string): void {
    now(() => this.#native.deleteSync(account, id), nothing);
  }
}

/** The handle code holds to act inside one project. Cheap; keep one per customer. Holds no credential. */
export class Tenant {
  readonly #native: Native.Tenant;

  /** @internal */
  constructor(handle: Native.Tenant) {
    this.#native = handle;
  }

  /** The account's id. */
  get accountId(): string {
    return this.#native.accountId;
  }

  /** The project's id. */
  get projectId(): string {
    return this.#native.projectId;
  }

  /** The same project on behalf of `principal`; this process vouches for it. */
  actingAs(principal: Principal): Tenant {
    return now(() => this.#native.actingAs(given("principal", principal)), tenant);
  }

  /** Who the credential behind this handle is; nobody when the process itself named the tenant. */
  get caller(): Identity | undefined {
    const json = now(() => this.#native.caller, (caller) => caller);
    return json === null ? undefined : new Identity(json);
  }

  /** Refuses a caller that lacks one of `scopes`: `PermissionDenied`. The process itself holds none. */
  requireScopes(...scopes: readonly string[]): Promise<void> {
    return soon(() => this.#native.requireScopes(scopes), nothing);
  }

  /** As `requireScopes`, waiting. */
  requireScopesSync(...scopes: readonly string[]): void {
    now(() => this.#native.requireScopesSync(scopes), nothing);
  }

  /** API keys and tokens of this tenant, as its caller: nothing wider than what it reaches. */
  get identity(): Identities {
    return new Identities(this.#native.identity);
  }

  /** Guard calls. */
  get guard(): Guard {
    return new Guard(this.#native.guard);
  }

  /** What model calls cost. */
  get usage(): Usage {
    return new Usage(this.#native.usage);
  }

  /** Policies of this project and the layers above. */
  get policies(): Policies {
    return new Policies(this.#native.policies);
  }

  /** Rate limits of this project and the layers above. */
  get limits(): Limits {
    return new Limits(this.#native.limits);
  }

  /** Settings of this project. */
  get settings(): TenantSettings {
    return new TenantSettings(this.#native.settings);
  }

  /** The audit trail of this project. */
  get audit(): Audit {
    return new Audit(this.#native.audit);
  }

  /** @internal */
  [inspect.custom](): string {
    return `Tenant('${this.accountId}', '${this.projectId}')`;
  }
}

/**
 * See `Tenant.guard`. A denial is an answer; only an outage or bad input is an error.
 *
 * A promising call with more than 32 KiB of text in it never runs on the event loop's thread; a warm `…Sync` call with
 * less takes tens of microseconds.
 */
export class Guard {
  readonly #native: Native.Guard;

  /** @internal */
  constructor(handle: Native.Guard) {
    this.#native = handle;
  }

  /** Decides one call; with `idempotencyKey` once, however often it is repeated within a day. */
  evaluate(request: GuardRequest, options?: OnceOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluate(given("request", request), given("options", options)), decision);
  }

  /** As `evaluate`, waiting. */
  evaluateSync(request: GuardRequest, options?: OnceOptions): GuardResponse {
    return now(() => this.#native.evaluateSync(given("request", request), given("options", options)), decision);
  }

  /** Decides on a prompt a user sends. */
  evaluatePrompt(content: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluatePrompt(content, given("options", options)), decision);
  }

  /** As `evaluatePrompt`, waiting. */
  evaluatePromptSync(content: string, options?: EvaluateOptions): GuardResponse {
    return now(() => this.#native.evaluatePromptSync(content, given("options", options)), decision);
  }

  /** Decides on a text a model gave back. */
  evaluateResponse(content: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluateResponse(content, given("options", options)), decision);
  }

  /** As `evaluateResponse`, waiting. */
  evaluateResponseSync(content: string, options?: EvaluateOptions): GuardResponse {
    return now(() => this.#native.evaluateResponseSync(content, given("options", options)), decision);
  }

  /** Decides on a tool call. The arguments' names and values are passed on untouched; every string is inspected. */
  evaluateToolCall(name: string, toolArguments?: JsonObject, options?: ToolCallOptions): Promise<GuardResponse> {
    return soon(() => {
      const [fields, rest] = [data("arguments", toolArguments), given("options", options)];
      return this.#native.evaluateToolCall(name, fields, rest);
    }, decision);
  }

  /** As `evaluateToolCall`, waiting. */
  evaluateToolCallSync(name: string, toolArguments?: JsonObject, options?: ToolCallOptions): GuardResponse {
    return now(() => {
      const [fields, rest] = [data("arguments", toolArguments), given("options", options)];
      return this.#native.evaluateToolCallSync(name, fields, rest);
    }, decision);
  }

  /** Decides on a file that is read (the default) or, with `operation` `write`, written. */
  evaluateFile(content: string, path: string, options?: FileOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluateFile(content, path, given("options", options)), decision);
  }

  /** As `evaluateFile`, waiting. */
  evaluateFileSync(content: string, path: string, options?: FileOptions): GuardResponse {
    return now(() => this.#native.evaluateFileSync(content, path, given("options", options)), decision);
  }

  /** The detectors there are, and the keys policies can read of them. */
  detectors(): Promise<readonly Detector[]> {
    return soon(() => this.#native.detectors(), detectors);
  }

  /** As `detectors`, waiting. */
  detectorsSync(): readonly Detector[] {
    return now(() => this.#native.detectorsSync(), detectors);
  }

  /** Inspects without policies, limits or memory. */
  detect(content: string, options?: DetectOptions): Promise<DetectResponse> {
    return soon(() => this.#native.detect(content, given("options", options)), detection);
  }

  /** As `detect`, waiting. */
  detectSync(content: string, options?: DetectOptions): DetectResponse {
    return now(() => this.#native.detectSync(content, given("options", options)), detection);
  }
}

/** See `Tenant.usage`. */
export class Usage {
  readonly #native: Native.Usage;

  /** @internal */
  constructor(handle: Native.Usage) {
    this.#native = handle;
  }

  /** Prices one model call and writes down what it cost, once per `usageId` and 48 hours. */
  report(call: UsageReport): Promise<UsageReceipt> {
    return soon(() => this.#native.report(given("report", call)), usage);
  }

  /** As `report`, waiting. */
  reportSync(call: UsageReport): UsageReceipt {
    return now(() => this.#native.reportSync(given("report", call)), usage);
  }
}

/** See `Tenant.policies`. */
export class Policies {
  readonly #native: Native.Policies;

  /** @internal */
  constructor(handle: Native.Policies) {
    this.#native = handle;
  }

  /** Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays. */
  put(name: string, text: string, options?: PolicyOptions): Promise<PolicyReceipt> {
    return soon(() => this.#native.put(name, text, given("options", options)), receipt);
  }

  /** As `put`, waiting. */
  putSync(name: string, text: string, options?: PolicyOptions): PolicyReceipt {
    return now(() => this.#native.putSync(name, text, given("options", options)), receipt);
  }

  /** Attaches a pack of our own: `baseline` or `strict`. */
  attachPack(name: string): Promise<PolicyReceipt> {
    return soon(() => this.#native.attachPack(name), receipt);
  }

  /** As `attachPack`, waiting. */
  attachPackSync(name: string): PolicyReceipt {
    return now(() => this.#native.attachPackSync(name), receipt);
  }

  /** Detaches a policy. */
  remove(name: string, options?: LayerOptions): Promise<void> {
    return soon(() => this.#native.remove(name, given("options", options)), nothing);
  }

  /** As `remove`, waiting. */
  removeSync(name: string, options?: LayerOptions): void {
    now(() => this.#native.removeSync(name, given("options", options)), nothing);
  }

  /** The policies in force here, all layers. */
  list(): Promise<readonly PolicySummary[]> {
    return soon(() => this.#native.list(), policies);
  }

  /** As `list`, waiting. */
  listSync(): readonly PolicySummary[] {
    return now(() => this.#native.listSync(), policies);
  }
}

/** See `Tenant.limits`. */
export class Limits {
  readonly #native: Native.Limits;

  /** @internal */
  constructor(handle: Native.Limits) {
    this.#native = handle;
  }

  /** Sets a rate limit, replacing the one with the same id on the same layer. */
  set(limit: Limit): Promise<void> {
    return soon(() => this.#native.set(given("limit", limit)), nothing);
  }

  /** As `set`, waiting. */
  setSync(limit: Limit): void {
    now(() => this.#native.setSync(given("limit", limit)), nothing);
  }

  /** Removes a rate limit. */
  remove(id: string, options?: LayerOptions): Promise<void> {
    return soon(() => this.#native.remove(id, given("options", options)), nothing);
  }

  /** As `remove`, waiting. */
  removeSync(id: string, options?: LayerOptions): void {
    now(() => this.#native.removeSync(id, given("options", options)), nothing);
  }

  /** The limits in force here, all layers. */
  list(): Promise<readonly LimitSpec[]> {
    return soon(() => this.#native.list(), limits);
  }

  /** As `list`, waiting. */
  listSync(): readonly LimitSpec[] {
    return now(() => this.#native.listSync(), limits);
  }

  /** Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough. */
  acquire(id: string, options?: AcquireOptions): Promise<void> {
    return soon(() => this.#native.acquire(id, given("options", options)), nothing);
  }

  /** As `acquire`, waiting. */
  acquireSync(id: string, options?: AcquireOptions): void {
    now(() => this.#native.acquireSync(id, given("options", options)), nothing);
  }
}

/** See `Tenant.settings`. */
export class TenantSettings {
  readonly #native: Native.TenantSettings;

  /** @internal */
  constructor(handle: Native.TenantSettings) {
    this.#native = handle;
  }

  /** The settings in force. */
  get(): Promise<Settings> {
    return soon(() => this.#native.get(), settings);
  }

  /** As `get`, waiting. */
  getSync(): Settings {
    return now(() => this.#native.getSync(), settings);
  }

  /** Changes the given fields. */
  update(change: SettingsChange): Promise<Settings> {
    return soon(() => this.#native.update(given("settings", change)), settings);
  }

  /** As `update`, waiting. */
  updateSync(change: SettingsChange): Settings {
    return now(() => this.#native.updateSync(given("settings", change)), settings);
  }
}

/** See `Tenant.audit`. */
export class Audit {
  readonly #native: Native.Audit;

  /** @internal */
  constructor(handle: Native.Audit) {
    this.#native = handle;
  }

  /** Rows of this project's chain, oldest first. */
  query(options?: AuditQuery): Promise<readonly AuditRecord[]> {
    return soon(() => this.#native.query(given("options", options)), records);
  }

  /** As `query`, waiting. */
  querySync(options?: AuditQuery): readonly AuditRecord[] {
    return now(() => this.#native.querySync(given("options", options)), records);
  }

  /** Recomputes the chain and compares it with the signed heads and, if given, an outside anchor. */
  verify(anchor?: AuditHead | string | null): Promise<VerifyReport> {
    return soon(() => this.#native.verify(line(anchor)), report);
  }

  /** As `verify`, waiting. */
  verifySync(anchor?: AuditHead | string | null): VerifyReport {
    return now(() => this.#native.verifySync(line(anchor)), report);
  }

  /** A freshly signed head: print it, keep it elsewhere, and give it to `verify` later. */
  head(): Promise<AuditHead> {
    return soon(() => this.#native.head(), head);
  }

  /** As `head`, waiting. */
  headSync(): AuditHead {
    return now(() => this.#native.headSync(), head);
  }
}

function line(anchor: AuditHead | string | null | undefined): string | undefined {
  if (anchor === undefined || anchor === null || typeof anchor === "string") return anchor ?? undefined;
  // Any head: of this module, or of another copy of it in this process.
  if (typeof anchor === "object" && typeof anchor.toText === "function") return anchor.toText();
  throw new InvalidArgument("`anchor` is neither an audit head nor its text", { code: "anchor_invalid" });
}
