// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, one, page } from "../operate.js";
import type { Page } from "../page.js";
import type { KeyOptions, KeyQuery, RotateOptions } from "./inputs.js";
import { ApiKey, NewApiKey } from "./records.js";
import * as tables from "./tables.js";

/** API keys. */
export class Keys extends Operations {
  /** Makes a key, no wider than its maker, or imports one by its hash. The key is shown this once. */
  create(name: string, options?: KeyOptions): Promise<NewApiKey> {
    return this.promised(
      "keys.create",
      one(NewApiKey),
      {},
      () => ({ name: required("name", name), ...fields("options", options, tables.keyOptions) }),
    );
  }

  /** As `create`, waiting. */
  createSync(name: string, options?: KeyOptions): NewApiKey {
    return this.waited(
      "keys.create",
      one(NewApiKey),
      {},
      () => ({ name: required("name", name), ...fields("options", options, tables.keyOptions) }),
    );
  }

  /**
   * Lists the keys of a project, an account, or with both empty of the caller's own project or the platform; oldest
   * first.
   */
  list(options?: KeyQuery): Promise<Page<ApiKey>> {
    return this.promised("keys.list", page(ApiKey), {}, () => fields("options", options, tables.keyQuery));
  }

  /** As `list`, waiting. */
  listSync(options?: KeyQuery): Page<ApiKey> {
    return this.waited("keys.list", page(ApiKey), {}, () => fields("options", options, tables.keyQuery));
  }

  /** Reads one key, without its secret. */
  get(id: string): Promise<ApiKey> {
    return this.promised("keys.get", one(ApiKey), {}, () => ({ id: required("id", id) }));
  }

  /** As `get`, waiting. */
  getSync(id: string): ApiKey {
    return this.waited("keys.get", one(ApiKey), {}, () => ({ id: required("id", id) }));
  }

  /** Ends a key and everything that was exchanged for it, at once. */
  revoke(id: string): Promise<ApiKey> {
    return this.promised("keys.revoke", one(ApiKey), {}, () => ({ id: required("id", id) }));
  }

  /** As `revoke`, waiting. */
  revokeSync(id: string): ApiKey {
    return this.waited("keys.revoke", one(ApiKey), {}, () => ({ id: required("id", id) }));
  }

  /** Makes a key to take another's place; the old one is taken for `overlapSeconds` more. */
  rotate(id: string, options?: RotateOptions): Promise<NewApiKey> {
    return this.promised(
      "keys.rotate",
      one(NewApiKey),
      {},
      () => ({ id: required("id", id), ...fields("options", options, tables.rotateOptions) }),
    );
  }

  /** As `rotate`, waiting. */
  rotateSync(id: string, options?: RotateOptions): NewApiKey {
    return this.waited(
      "keys.rotate",
      one(NewApiKey),
      {},
      () => ({ id: required("id", id), ...fields("options", options, tables.rotateOptions) }),
    );
  }
}
