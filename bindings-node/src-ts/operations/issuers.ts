// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { Issuer } from "./inputs.js";
import { IssuerReceipt, IssuerSpec } from "./records.js";
import * as tables from "./tables.js";

/** Whose tokens are taken. */
export class Issuers extends Operations {
  /**
   * Takes an issuer's tokens from now on, replacing what was said of it before. Published keys are fetched at once; the
   * receipt says which keys there are, which are not used and why, and why none could be fetched. An entry that could
   * never take a token is refused (`issuer_invalid`); keys that cannot be fetched now are no error.
   */
  put(issuer: Issuer): Promise<IssuerReceipt> {
    return this.promised("issuers.put", one(IssuerReceipt), {}, () => fields("issuer", issuer, tables.issuer));
  }

  /** As `put`, waiting. */
  putSync(issuer: Issuer): IssuerReceipt {
    return this.waited("issuers.put", one(IssuerReceipt), {}, () => fields("issuer", issuer, tables.issuer));
  }

  /** Looks at the keys of an issuer as they are now; published ones are fetched. */
  check(issuer: string): Promise<IssuerReceipt> {
    return this.promised("issuers.check", one(IssuerReceipt), {}, () => ({ issuer: required("issuer", issuer) }));
  }

  /** As `check`, waiting. */
  checkSync(issuer: string): IssuerReceipt {
    return this.waited("issuers.check", one(IssuerReceipt), {}, () => ({ issuer: required("issuer", issuer) }));
  }

  /** Takes none of an issuer's tokens any more, also none that were taken before. */
  remove(issuer: string): Promise<void> {
    return this.promised("issuers.remove", nothing, {}, () => ({ issuer: required("issuer", issuer) }));
  }

  /** As `remove`, waiting. */
  removeSync(issuer: string): void {
    return this.waited("issuers.remove", nothing, {}, () => ({ issuer: required("issuer", issuer) }));
  }

  /** Lists all issuers by name, without their secrets. */
  list(): Promise<Page<IssuerSpec>> {
    return this.promised("issuers.list", page(IssuerSpec));
  }

  /** As `list`, waiting. */
  listSync(): Page<IssuerSpec> {
    return this.waited("issuers.list", page(IssuerSpec));
  }
}
