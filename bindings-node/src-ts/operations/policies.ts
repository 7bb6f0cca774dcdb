// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { LayerOptions, PolicyOptions } from "./inputs.js";
import { PolicyReceipt, PolicySummary } from "./records.js";
import * as tables from "./tables.js";

/** Policies of this project and the layers above. */
export class Policies extends Operations {
  /** Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays. */
  put(name: string, text: string, options?: PolicyOptions): Promise<PolicyReceipt> {
    return this.promised(
      "policies.put",
      one(PolicyReceipt),
      {},
      () => ({ name: required("name", name), text: required("text", text), ...fields("options", options, tables.policyOptions) }),
    );
  }

  /** As `put`, waiting. */
  putSync(name: string, text: string, options?: PolicyOptions): PolicyReceipt {
    return this.waited(
      "policies.put",
      one(PolicyReceipt),
      {},
      () => ({ name: required("name", name), text: required("text", text), ...fields("options", options, tables.policyOptions) }),
    );
  }

  /** Attaches a pack of our own: `baseline` or `strict`. */
  attachPack(pack: string): Promise<PolicyReceipt> {
    return this.promised("policies.attach_pack", one(PolicyReceipt), {}, () => ({ pack: required("pack", pack) }));
  }

  /** As `attachPack`, waiting. */
  attachPackSync(pack: string): PolicyReceipt {
    return this.waited("policies.attach_pack", one(PolicyReceipt), {}, () => ({ pack: required("pack", pack) }));
  }

  /** Detaches a policy. */
  remove(name: string, options?: LayerOptions): Promise<void> {
    return this.promised(
      "policies.remove",
      nothing,
      {},
      () => ({ name: required("name", name), ...fields("options", options, tables.layerOptions) }),
    );
  }

  /** As `remove`, waiting. */
  removeSync(name: string, options?: LayerOptions): void {
    return this.waited(
      "policies.remove",
      nothing,
      {},
      () => ({ name: required("name", name), ...fields("options", options, tables.layerOptions) }),
    );
  }

  /** Reads one policy in force, from the given layer. */
  get(name: string, options?: LayerOptions): Promise<PolicySummary> {
    return this.promised(
      "policies.get",
      one(PolicySummary),
      {},
      () => ({ name: required("name", name), ...fields("options", options, tables.layerOptions) }),
    );
  }

  /** As `get`, waiting. */
  getSync(name: string, options?: LayerOptions): PolicySummary {
    return this.waited(
      "policies.get",
      one(PolicySummary),
      {},
      () => ({ name: required("name", name), ...fields("options", options, tables.layerOptions) }),
    );
  }

  /** Lists the policies in force here, all layers. */
  list(): Promise<Page<PolicySummary>> {
    return this.promised("policies.list", page(PolicySummary));
  }

  /** As `list`, waiting. */
  listSync(): Page<PolicySummary> {
    return this.waited("policies.list", page(PolicySummary));
  }
}
