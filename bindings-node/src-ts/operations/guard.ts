// Written by core/gen from the table of operations; do not edit.

import { Operations, page } from "../operate.js";
import type { Page } from "../page.js";
import { Detector } from "./records.js";

/** Guard calls, and what inspects their content. */
export abstract class GuardOperations extends Operations {
  /** Lists the detectors there are, and the keys policies can read of them. */
  detectors(): Promise<Page<Detector>> {
    return this.promised("detectors.detectors", page(Detector));
  }

  /** As `detectors`, waiting. */
  detectorsSync(): Page<Detector> {
    return this.waited("detectors.detectors", page(Detector));
  }
}
