/// <reference lib="esnext.disposable" preserve="true" />
// What apps hold, in the order of the core's `client`. Every operation comes twice: `name` promises, `nameSync` waits.

import { inspect } from "node:util";

import { nothing, now, soon } from "./calls.js";
import { given, presented } from "./data.js";
import { Guard } from "./guard.js";
import { Limits } from "./limits.js";
import type * as Native from "./native.js";
import native from "./native.js";
import { Admin, Audit, Identities, Identity, Policies, TenantSettings, Usage } from "./operations/index.js";
import type { AuthenticateOptions, Credential, Options, Principal } from "./requests.js";

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
    for (const told of now(() => native.untoldVariables(), (all) => all)) {
      process.emitWarning(told, { type: "TenantryWarning", code: "config_unknown" });
    }
    this.#native = now(() => new native.Tenantry(given("options", options)), (client) => client);
    this.admin = new Admin(this.#native);
    this.identity = new Identities(this.#native);
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
    return new Identities(this.#native);
  }

  /** Guard calls. */
  get guard(): Guard {
    return new Guard(this.#native);
  }

  /** What model calls cost. */
  get usage(): Usage {
    return new Usage(this.#native);
  }

  /** Policies of this project and the layers above. */
  get policies(): Policies {
    return new Policies(this.#native);
  }

  /** Rate limits of this project and the layers above. */
  get limits(): Limits {
    return new Limits(this.#native);
  }

  /** Settings of this project. */
  get settings(): TenantSettings {
    return new TenantSettings(this.#native);
  }

  /** The audit trail of this project. */
  get audit(): Audit {
    return new Audit(this.#native);
  }

  /** @internal */
  [inspect.custom](): string {
    return `Tenant('${this.accountId}', '${this.projectId}')`;
  }
}
