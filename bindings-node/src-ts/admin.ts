// Admin operations on accounts and projects.

import { nothing, now, soon } from "./calls.js";
import { given } from "./data.js";
import { Grants } from "./identity.js";
import type * as Native from "./native.js";
import { Account, Project } from "./records.js";
import type { Facts } from "./requests.js";
import { listOf } from "./value.js";

const account = (json: string): Account => new Account(json);
const accounts = listOf(Account);
const project = (json: string): Project => new Project(json);
const projects = listOf(Project);

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

  /**
   * Gives the account of this id, and creates it where there is none. What exists stays as it is; `Conflict`
   * (`facts_differ`) when a fact that is given differs from what it has.
   */
  ensure(id: string, facts?: Facts): Promise<Account> {
    return soon(() => this.#native.ensure(id, given("facts", facts)), account);
  }

  /** As `ensure`, waiting. */
  ensureSync(id: string, facts?: Facts): Account {
    return now(() => this.#native.ensureSync(id, given("facts", facts)), account);
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

  /**
   * Gives the project of this id, and creates it where there is none. The account has to exist. What exists stays as it
   * is; `Conflict` (`facts_differ`) when a fact that is given differs from what it has.
   */
  ensure(account: string, id: string, facts?: Facts): Promise<Project> {
    return soon(() => this.#native.ensure(account, id, given("facts", facts)), project);
  }

  /** As `ensure`, waiting. */
  ensureSync(account: string, id: string, facts?: Facts): Project {
    return now(() => this.#native.ensureSync(account, id, given("facts", facts)), project);
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
