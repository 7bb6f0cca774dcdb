// Written by core/gen from the table of operations; do not edit.

import { type Place, Operations, one, texts } from "../operate.js";
import type { Page } from "../page.js";
import { Accounts } from "./accounts.js";
import { Projects } from "./projects.js";
import { Grants } from "./grants.js";
import { VerifyReport } from "./records.js";

/** The installation as a whole. */
export class Admin extends Operations {
  /** Customer organisations. */
  readonly accounts: Accounts;
  /** Workspaces of an account. */
  readonly projects: Projects;
  /** Cross-tenant grants. */
  readonly grants: Grants;

  /** @internal */
  constructor(place: Place) {
    super(place);
    this.accounts = new Accounts(place);
    this.projects = new Projects(place);
    this.grants = new Grants(place);
  }

  /**
   * Finds what was changed in the data folder, or put there, by somebody else: rows of the catalog that are not ours,
   * and files among the journals. Empty when all is as it should be.
   */
  problems(): Promise<Page<string>> {
    return this.promised("admin.problems", texts);
  }

  /** As `problems`, waiting. */
  problemsSync(): Page<string> {
    return this.waited("admin.problems", texts);
  }

  /** Checks the chain of what is done on the platform itself, as `audit.verify` does a project's. */
  verify(): Promise<VerifyReport> {
    return this.promised("admin.verify", one(VerifyReport));
  }

  /** As `verify`, waiting. */
  verifySync(): VerifyReport {
    return this.waited("admin.verify", one(VerifyReport));
  }
}
