// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { Facts } from "./inputs.js";
import { Project } from "./records.js";
import * as tables from "./tables.js";

/** Workspaces of an account. */
export class Projects extends Operations {
  /** Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`. */
  create(account: string, id: string, facts?: Facts): Promise<Project> {
    return this.promised(
      "projects.create",
      one(Project),
      { account },
      () => ({ id: required("id", id), ...fields("facts", facts, tables.facts) }),
    );
  }

  /** As `create`, waiting. */
  createSync(account: string, id: string, facts?: Facts): Project {
    return this.waited(
      "projects.create",
      one(Project),
      { account },
      () => ({ id: required("id", id), ...fields("facts", facts, tables.facts) }),
    );
  }

  /**
   * Gives the project of this id, and creates it where there is none, as `accounts.ensure` does. The account has to
   * exist.
   */
  ensure(account: string, project: string, facts?: Facts): Promise<Project> {
    return this.promised(
      "projects.ensure",
      one(Project),
      { account, project },
      () => fields("facts", facts, tables.facts),
    );
  }

  /** As `ensure`, waiting. */
  ensureSync(account: string, project: string, facts?: Facts): Project {
    return this.waited(
      "projects.ensure",
      one(Project),
      { account, project },
      () => fields("facts", facts, tables.facts),
    );
  }

  /** Reads one project. */
  get(account: string, project: string): Promise<Project> {
    return this.promised("projects.get", one(Project), { account, project });
  }

  /** As `get`, waiting. */
  getSync(account: string, project: string): Project {
    return this.waited("projects.get", one(Project), { account, project });
  }

  /** Lists the projects of an account, by id. */
  list(account: string): Promise<Page<Project>> {
    return this.promised("projects.list", page(Project), { account });
  }

  /** As `list`, waiting. */
  listSync(account: string): Page<Project> {
    return this.waited("projects.list", page(Project), { account });
  }

  /** Suspends a project: every call in it is denied until it is resumed. */
  suspend(account: string, project: string): Promise<Project> {
    return this.promised("projects.suspend", one(Project), { account, project });
  }

  /** As `suspend`, waiting. */
  suspendSync(account: string, project: string): Project {
    return this.waited("projects.suspend", one(Project), { account, project });
  }

  /** Ends a suspension. */
  resume(account: string, project: string): Promise<Project> {
    return this.promised("projects.resume", one(Project), { account, project });
  }

  /** As `resume`, waiting. */
  resumeSync(account: string, project: string): Project {
    return this.waited("projects.resume", one(Project), { account, project });
  }

  /** Deletes a project. The name may be used again, with nothing of the old one in it. */
  delete(account: string, project: string): Promise<void> {
    return this.promised("projects.delete", nothing, { account, project });
  }

  /** As `delete`, waiting. */
  deleteSync(account: string, project: string): void {
    return this.waited("projects.delete", nothing, { account, project });
  }
}
