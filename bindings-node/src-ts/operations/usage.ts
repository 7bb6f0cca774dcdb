// Written by core/gen from the table of operations; do not edit.

import { fields } from "../fields.js";
import { Operations, one } from "../operate.js";
import type { UsageReport } from "./inputs.js";
import { UsageReceipt } from "./records.js";
import * as tables from "./tables.js";

/** What model calls cost. */
export class Usage extends Operations {
  /** Prices one model call and writes down what it cost, once per `usageId` and 48 hours. */
  report(report: UsageReport): Promise<UsageReceipt> {
    return this.promised("usage.report", one(UsageReceipt), {}, () => fields("report", report, tables.usageReport));
  }

  /** As `report`, waiting. */
  reportSync(report: UsageReport): UsageReceipt {
    return this.waited("usage.report", one(UsageReceipt), {}, () => fields("report", report, tables.usageReport));
  }
}
