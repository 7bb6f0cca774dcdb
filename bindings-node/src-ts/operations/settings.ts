// Written by core/gen from the table of operations; do not edit.

import { fields } from "../fields.js";
import { Operations, one } from "../operate.js";
import type { SettingsChange } from "./inputs.js";
import { Settings } from "./records.js";
import * as tables from "./tables.js";

/** Settings of this project. */
export class TenantSettings extends Operations {
  /** Reads the settings in force. */
  get(): Promise<Settings> {
    return this.promised("settings.get", one(Settings));
  }

  /** As `get`, waiting. */
  getSync(): Settings {
    return this.waited("settings.get", one(Settings));
  }

  /** Changes the given fields. */
  update(settings: SettingsChange): Promise<Settings> {
    return this.promised(
      "settings.update",
      one(Settings),
      {},
      () => fields("settings", settings, tables.settingsChange),
    );
  }

  /** As `update`, waiting. */
  updateSync(settings: SettingsChange): Settings {
    return this.waited("settings.update", one(Settings), {}, () => fields("settings", settings, tables.settingsChange));
  }
}
