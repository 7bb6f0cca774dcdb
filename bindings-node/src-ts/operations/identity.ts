// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { type Place, Operations, one } from "../operate.js";
import { Issuers } from "./issuers.js";
import { Keys } from "./keys.js";
import { Tokens } from "./tokens.js";
import type { NewIdentitySettings } from "./inputs.js";
import { Identity, IdentitySettings, WhoAmI } from "./records.js";
import * as tables from "./tables.js";

/** Who callers are. */
export class Identities extends Operations {
  /** Whose tokens are taken. */
  readonly issuers: Issuers;
  /** API keys. */
  readonly keys: Keys;
  /** Our own tokens. */
  readonly tokens: Tokens;

  /** @internal */
  constructor(place: Place) {
    super(place);
    this.issuers = new Issuers(place);
    this.keys = new Keys(place);
    this.tokens = new Tokens(place);
  }

  /** Says who a token or key is, and what it reaches. */
  verify(credential: string): Promise<Identity> {
    return this.promised(
      "identity.verify",
      one(Identity),
      {},
      () => ({ credential: required("credential", credential) }),
    );
  }

  /** As `verify`, waiting. */
  verifySync(credential: string): Identity {
    return this.waited(
      "identity.verify",
      one(Identity),
      {},
      () => ({ credential: required("credential", credential) }),
    );
  }

  /** Says who asks, and what it reaches; nobody when it is the process itself. */
  whoami(): Promise<WhoAmI> {
    return this.promised("identity.whoami", one(WhoAmI));
  }

  /** As `whoami`, waiting. */
  whoamiSync(): WhoAmI {
    return this.waited("identity.whoami", one(WhoAmI));
  }

  /** Reads the platform's settings of identity. */
  settings(): Promise<IdentitySettings> {
    return this.promised("identity.settings", one(IdentitySettings));
  }

  /** As `settings`, waiting. */
  settingsSync(): IdentitySettings {
    return this.waited("identity.settings", one(IdentitySettings));
  }

  /** Replaces the platform's settings of identity. */
  putSettings(settings: NewIdentitySettings): Promise<IdentitySettings> {
    return this.promised(
      "identity.put_settings",
      one(IdentitySettings),
      {},
      () => fields("settings", settings, tables.newIdentitySettings),
    );
  }

  /** As `putSettings`, waiting. */
  putSettingsSync(settings: NewIdentitySettings): IdentitySettings {
    return this.waited(
      "identity.put_settings",
      one(IdentitySettings),
      {},
      () => fields("settings", settings, tables.newIdentitySettings),
    );
  }
}
