// Written by core/gen from the table of operations; do not edit.

import { fields } from "../fields.js";
import { Operations, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { AuditQuery } from "./inputs.js";
import { AuditHead, AuditRecord, VerifyReport } from "./records.js";
import * as tables from "./tables.js";

/** The audit trail of this project. */
export class Audit extends Operations {
  /**
   * Reads rows of this project's chain, oldest first unless asked otherwise. A page has at most `limit` rows (up to
   * 10,000) and 8 MiB of text.
   */
  query(options?: AuditQuery): Promise<Page<AuditRecord>> {
    return this.promised("audit.query", page(AuditRecord), {}, () => fields("options", options, tables.auditQuery));
  }

  /** As `query`, waiting. */
  querySync(options?: AuditQuery): Page<AuditRecord> {
    return this.waited("audit.query", page(AuditRecord), {}, () => fields("options", options, tables.auditQuery));
  }

  /** Recomputes the chain and compares it with the signed heads and, if given, an outside anchor. */
  verify(anchor?: AuditHead | string | null): Promise<VerifyReport> {
    return this.promised("audit.verify", one(VerifyReport), {}, () => fields("verify", { anchor }, tables.auditAnchor));
  }

  /** As `verify`, waiting. */
  verifySync(anchor?: AuditHead | string | null): VerifyReport {
    return this.waited("audit.verify", one(VerifyReport), {}, () => fields("verify", { anchor }, tables.auditAnchor));
  }

  /** Signs a fresh head: print it, keep it elsewhere, and give it to `verify` later. */
  head(): Promise<AuditHead> {
    return this.promised("audit.head", one(AuditHead));
  }

  /** As `head`, waiting. */
  headSync(): AuditHead {
    return this.waited("audit.head", one(AuditHead));
  }
}
