// Written by core/gen from the table of operations; do not edit.

// What the package exports of the operations.

export * from "./admin.js";
export * from "./accounts.js";
export * from "./projects.js";
export * from "./grants.js";
export * from "./identity.js";
export * from "./issuers.js";
export * from "./keys.js";
export * from "./tokens.js";
export * from "./usage.js";
export * from "./policies.js";
export * from "./settings.js";
export * from "./audit.js";
export type * from "./inputs.js";
export * from "./records.js";
