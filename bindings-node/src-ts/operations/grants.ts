// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { AuditQuery, NewGrant } from "./inputs.js";
import { AuditRecord, Grant } from "./records.js";
import * as tables from "./tables.js";

/** Cross-tenant grants. */
export class Grants extends Operations {
  /** Lets principals of one account act in a project of another, for named actions and a time. */
  create(grant: NewGrant): Promise<Grant> {
    return this.promised("grants.create", one(Grant), {}, () => fields("grant", grant, tables.newGrant));
  }

  /** As `create`, waiting. */
  createSync(grant: NewGrant): Grant {
    return this.waited("grants.create", one(Grant), {}, () => fields("grant", grant, tables.newGrant));
  }

  /** Lists grants that have not ended, by id. */
  list(): Promise<Page<Grant>> {
    return this.promised("grants.list", page(Grant));
  }

  /** As `list`, waiting. */
  listSync(): Page<Grant> {
    return this.waited("grants.list", page(Grant));
  }

  /** Ends a grant at once. */
  revoke(id: string): Promise<void> {
    return this.promised("grants.revoke", nothing, {}, () => ({ id: required("id", id) }));
  }

  /** As `revoke`, waiting. */
  revokeSync(id: string): void {
    return this.waited("grants.revoke", nothing, {}, () => ({ id: required("id", id) }));
  }

  /** Reads what crossed between tenants: a stream of its own, read as `audit.query` reads a project's. */
  uses(options?: AuditQuery): Promise<Page<AuditRecord>> {
    return this.promised("grants.uses", page(AuditRecord), {}, () => fields("options", options, tables.auditQuery));
  }

  /** As `uses`, waiting. */
  usesSync(options?: AuditQuery): Page<AuditRecord> {
    return this.waited("grants.uses", page(AuditRecord), {}, () => fields("options", options, tables.auditQuery));
  }
}
