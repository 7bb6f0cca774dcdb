// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { Facts } from "./inputs.js";
import { Account } from "./records.js";
import * as tables from "./tables.js";

/** Customer organisations. */
export class Accounts extends Operations {
  /** Creates an account. `Conflict` when an id that differs at most in case exists. */
  create(id: string, facts?: Facts): Promise<Account> {
    return this.promised(
      "accounts.create",
      one(Account),
      {},
      () => ({ id: required("id", id), ...fields("facts", facts, tables.facts) }),
    );
  }

  /** As `create`, waiting. */
  createSync(id: string, facts?: Facts): Account {
    return this.waited(
      "accounts.create",
      one(Account),
      {},
      () => ({ id: required("id", id), ...fields("facts", facts, tables.facts) }),
    );
  }

  /**
   * Gives the account of this id, and creates it where there is none. What exists stays as it is, a suspension
   * included; `Conflict` (`facts_differ`) when a fact that is given differs from what it has.
   */
  ensure(account: string, facts?: Facts): Promise<Account> {
    return this.promised("accounts.ensure", one(Account), { account }, () => fields("facts", facts, tables.facts));
  }

  /** As `ensure`, waiting. */
  ensureSync(account: string, facts?: Facts): Account {
    return this.waited("accounts.ensure", one(Account), { account }, () => fields("facts", facts, tables.facts));
  }

  /** Reads one account. */
  get(account: string): Promise<Account> {
    return this.promised("accounts.get", one(Account), { account });
  }

  /** As `get`, waiting. */
  getSync(account: string): Account {
    return this.waited("accounts.get", one(Account), { account });
  }

  /** Lists all accounts, by id. */
  list(): Promise<Page<Account>> {
    return this.promised("accounts.list", page(Account));
  }

  /** As `list`, waiting. */
  listSync(): Page<Account> {
    return this.waited("accounts.list", page(Account));
  }

  /** Suspends an account: every call in it is denied until it is resumed. */
  suspend(account: string): Promise<Account> {
    return this.promised("accounts.suspend", one(Account), { account });
  }

  /** As `suspend`, waiting. */
  suspendSync(account: string): Account {
    return this.waited("accounts.suspend", one(Account), { account });
  }

  /** Ends a suspension. */
  resume(account: string): Promise<Account> {
    return this.promised("accounts.resume", one(Account), { account });
  }

  /** As `resume`, waiting. */
  resumeSync(account: string): Account {
    return this.waited("accounts.resume", one(Account), { account });
  }

  /** Deletes an account and its projects. The name may be used again, with nothing of the old one in it. */
  delete(account: string): Promise<void> {
    return this.promised("accounts.delete", nothing, { account });
  }

  /** As `delete`, waiting. */
  deleteSync(account: string): void {
    return this.waited("accounts.delete", nothing, { account });
  }
}
