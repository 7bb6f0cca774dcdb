// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, page } from "../operate.js";
import type { Page } from "../page.js";
import type { LayerOptions, Limit } from "./inputs.js";
import { LimitSpec } from "./records.js";
import * as tables from "./tables.js";

/** Rate limits of this project and the layers above. */
export abstract class LimitsOperations extends Operations {
  /** Sets a rate limit, replacing the one with the same id on the same layer. */
  set(limit: Limit): Promise<void> {
    return this.promised("limits.set", nothing, {}, () => fields("limit", limit, tables.limit));
  }

  /** As `set`, waiting. */
  setSync(limit: Limit): void {
    return this.waited("limits.set", nothing, {}, () => fields("limit", limit, tables.limit));
  }

  /** Removes a rate limit. */
  remove(id: string, options?: LayerOptions): Promise<void> {
    return this.promised(
      "limits.remove",
      nothing,
      {},
      () => ({ id: required("id", id), ...fields("options", options, tables.layerOptions) }),
    );
  }

  /** As `remove`, waiting. */
  removeSync(id: string, options?: LayerOptions): void {
    return this.waited(
      "limits.remove",
      nothing,
      {},
      () => ({ id: required("id", id), ...fields("options", options, tables.layerOptions) }),
    );
  }

  /** Lists the limits in force here, all layers. */
  list(): Promise<Page<LimitSpec>> {
    return this.promised("limits.list", page(LimitSpec));
  }

  /** As `list`, waiting. */
  listSync(): Page<LimitSpec> {
    return this.waited("limits.list", page(LimitSpec));
  }
}
