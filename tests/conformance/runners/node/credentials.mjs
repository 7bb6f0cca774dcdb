// Operations on credentials, for the client or for the caller of a held handle; and how arguments read in this language.

export function identity(identity, verb, { credential, settings }) {
  switch (verb) {
    case "verify":
      return identity.verifySync(credential);
    case "settings":
      return identity.settingsSync();
    case "put_settings":
      return identity.putSettingsSync(ours(settings));
  }
  throw new Error(`no operation identity.${verb}`);
}

export function issuers({ issuers }, verb, { issuer, id }) {
  switch (verb) {
    case "put":
      return issuers.putSync(ours(issuer));
    case "check":
      return issuers.checkSync(id);
    case "remove":
      return plain(issuers.removeSync(id));
    case "list":
      return issuers.listSync();
  }
  throw new Error(`no operation issuers.${verb}`);
}

export function keys({ keys }, verb, { name, id, ...options }) {
  switch (verb) {
    case "create":
      return keys.createSync(name, placed(options));
    case "list":
      return keys.listSync(placed(options));
    case "get":
      return keys.getSync(id);
    case "revoke":
      return keys.revokeSync(id);
    case "rotate":
      return keys.rotateSync(id, ours(options));
  }
  throw new Error(`no operation keys.${verb}`);
}

export function tokens({ tokens }, verb, { subject, token, ...options }) {
  switch (verb) {
    case "exchange":
      return tokens.exchangeSync(placed(options));
    case "issue":
      return tokens.issueSync(subject, placed(options));
    case "introspect":
      return tokens.introspectSync(token);
    case "revoke":
      return plain(tokens.revokeSync(token));
    case "jwks":
      return tokens.jwksSync();
    case "rotate_signing_key":
      return plain(tokens.rotateSigningKeySync());
  }
  throw new Error(`no operation tokens.${verb}`);
}

export function grants({ grants }, verb, { id, ...given }) {
  switch (verb) {
    case "create":
      return grants.createSync(ours(given));
    case "list":
      return grants.listSync();
    case "revoke":
      return plain(grants.revokeSync(id));
    case "uses":
      return grants.usesSync(given);
  }
  throw new Error(`no operation grants.${verb}`);
}

const KEPT = new Set(["metadata", "arguments", "default_headers", "roles", "jwks"]);

/** Names of options in this language; what belongs to the caller keeps its own. */
export function ours(fields) {
  const entries = Object.entries(fields).map(([name, value]) => [
    name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()),
    KEPT.has(name) ? value : named(value),
  ]);
  return Object.fromEntries(entries);
}

function named(value) {
  if (Array.isArray(value)) return value.map(named);
  return typeof value === "object" && value !== null ? ours(value) : value;
}

/** As `ours`, for calls that name the place they are about. */
function placed({ account, project, ...options }) {
  const place = { accountId: account, projectId: project };
  return { ...ours(options), ...place };
}

export function plain(value) {
  return value ?? null;
}
