// Rate limits.

import { nothing, now, soon } from "./calls.js";
import { given } from "./data.js";
import type * as Native from "./native.js";
import { LimitsOperations } from "./operations/limits.js";
import type { AcquireOptions } from "./requests.js";

/** See `Tenant.limits`. */
export class Limits extends LimitsOperations {
  readonly #native: Native.Tenant;

  /** @internal */
  constructor(tenant: Native.Tenant) {
    super(tenant);
    this.#native = tenant;
  }

  /** Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough. */
  acquire(id: string, options?: AcquireOptions): Promise<void> {
    return soon(() => this.#native.acquire(id, given("options", options)), nothing);
  }

  /** As `acquire`, waiting. */
  acquireSync(id: string, options?: AcquireOptions): void {
    now(() => this.#native.acquireSync(id, given("options", options)), nothing);
  }
}
