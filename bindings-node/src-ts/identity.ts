// Credentials as apps handle them, in the order of the core's `client::identity`: the same rooms for the client and for a
// caller's own tenant, where everything is bounded by what the caller reaches.

import { nothing, now, soon } from "./calls.js";
import { AccessToken, ApiKey, Grant, Identity, IdentitySettings, Introspection } from "./credentials.js";
import { IssuerReceipt, IssuerSpec, NewApiKey, type JsonWebKeySet } from "./credentials.js";
import { given } from "./data.js";
import type * as Native from "./native.js";
import { AuditRecord } from "./records.js";
import type {
  AuditQuery,
  Issuer,
  KeyOptions,
  KeyQuery,
  NewGrant,
  NewIdentitySettings,
  RotateOptions,
  TokenOptions,
  TokenRequest,
} from "./requests.js";
import { listOf } from "./value.js";

const identity = (json: string): Identity => new Identity(json);
const settings = (json: string): IdentitySettings => new IdentitySettings(json);
const issuers = listOf(IssuerSpec);
const receipt = (json: string): IssuerReceipt => new IssuerReceipt(json);
const key = (json: string): ApiKey => new ApiKey(json);
const keys = listOf(ApiKey);
const newKey = (json: string): NewApiKey => new NewApiKey(json);
const token = (json: string): AccessToken => new AccessToken(json);
const introspection = (json: string): Introspection => new Introspection(json);
const keySet = (json: string): JsonWebKeySet => JSON.parse(json) as JsonWebKeySet;
const grant = (json: string): Grant => new Grant(json);
const grants = listOf(Grant);
const records = listOf(AuditRecord);

/** See `Tenantry.identity` and `Tenant.identity`. */
export class Identities {
  readonly #native: Native.Identities;
  /** Identity providers whose tokens are taken. Needs platform authority at each call. */
  readonly issuers: Issuers;
  /** API keys. */
  readonly keys: Keys;
  /** Our own tokens. */
  readonly tokens: Tokens;

  /** @internal */
  constructor(handle: Native.Identities) {
    this.#native = handle;
    this.issuers = new Issuers(handle.issuers);
    this.keys = new Keys(handle.keys);
    this.tokens = new Tokens(handle.tokens);
  }

  /**
   * Who a token or key is, and what it reaches. `Unauthenticated` for one that is not taken, `PermissionDenied` for one
   * that lies outside what the caller reaches.
   */
  verify(credential: string): Promise<Identity> {
    return soon(() => this.#native.verify(credential), identity);
  }

  /** As `verify`, waiting. */
  verifySync(credential: string): Identity {
    return now(() => this.#native.verifySync(credential), identity);
  }

  /** The platform's settings of identity. Needs platform authority. */
  settings(): Promise<IdentitySettings> {
    return soon(() => this.#native.settings(), settings);
  }

  /** As `settings`, waiting. */
  settingsSync(): IdentitySettings {
    return now(() => this.#native.settingsSync(), settings);
  }

  /** Replaces the platform's settings of identity, all of them: those left out take their default. */
  putSettings(change: NewIdentitySettings): Promise<IdentitySettings> {
    return soon(() => this.#native.putSettings(given("settings", change)), settings);
  }

  /** As `putSettings`, waiting. */
  putSettingsSync(change: NewIdentitySettings): IdentitySettings {
    return now(() => this.#native.putSettingsSync(given("settings", change)), settings);
  }
}

/** See `Identities.issuers`. */
export class Issuers {
  readonly #native: Native.Issuers;

  /** @internal */
  constructor(handle: Native.Issuers) {
    this.#native = handle;
  }

  /**
   * Takes an issuer's tokens from now on, replacing what was said of it before. Published keys are fetched at once; the receipt
   * says which keys there are, which are not used and why, and why none could be fetched. The entry holds whatever it says.
   */
  put(issuer: Issuer): Promise<IssuerReceipt> {
    return soon(() => this.#native.put(given("issuer", issuer)), receipt);
  }

  /** As `put`, waiting. */
  putSync(issuer: Issuer): IssuerReceipt {
    return now(() => this.#native.putSync(given("issuer", issuer)), receipt);
  }

  /** The keys of an issuer as they are now; published ones are fetched. */
  check(issuer: string): Promise<IssuerReceipt> {
    return soon(() => this.#native.check(issuer), receipt);
  }

  /** As `check`, waiting for it. */
  checkSync(issuer: string): IssuerReceipt {
    return now(() => this.#native.checkSync(issuer), receipt);
  }

  /** Takes none of an issuer's tokens any more, also none that were taken before. */
  remove(issuer: string): Promise<void> {
    return soon(() => this.#native.remove(issuer), nothing);
  }

  /** As `remove`, waiting. */
  removeSync(issuer: string): void {
    now(() => this.#native.removeSync(issuer), nothing);
  }

  /** All issuers by name, without their secrets. */
  list(): Promise<readonly IssuerSpec[]> {
    return soon(() => this.#native.list(), issuers);
  }

  /** As `list`, waiting. */
  listSync(): readonly IssuerSpec[] {
    return now(() => this.#native.listSync(), issuers);
  }
}

/** See `Identities.keys`. */
export class Keys {
  readonly #native: Native.Keys;

  /** @internal */
  constructor(handle: Native.Keys) {
    this.#native = handle;
  }

  /**
   * Makes a key, no wider than its maker, or imports one by its hash. The key is told this once. `QuotaExceeded` when the
   * project has as many as it may.
   */
  create(name: string, options?: KeyOptions): Promise<NewApiKey> {
    return soon(() => this.#native.create(name, given("options", options)), newKey);
  }

  /** As `create`, waiting. */
  createSync(name: string, options?: KeyOptions): NewApiKey {
    return now(() => this.#native.createSync(name, given("options", options)), newKey);
  }

  /** The keys of a project, an account, or without either of the caller's own project or the platform; oldest first. */
  list(options?: KeyQuery): Promise<readonly ApiKey[]> {
    return soon(() => this.#native.list(given("options", options)), keys);
  }

  /** As `list`, waiting. */
  listSync(options?: KeyQuery): readonly ApiKey[] {
    return now(() => this.#native.listSync(given("options", options)), keys);
  }

  /** One key, without its secret. `NotFound` for one the caller does not reach. */
  get(id: string): Promise<ApiKey> {
    return soon(() => this.#native.get(id), key);
  }

  /** As `get`, waiting. */
  getSync(id: string): ApiKey {
    return now(() => this.#native.getSync(id), key);
  }

  /** Ends a key and everything that was exchanged for it, at once. `NotFound` for one the caller does not reach. */
  revoke(id: string): Promise<ApiKey> {
    return soon(() => this.#native.revoke(id), key);
  }

  /** As `revoke`, waiting. */
  revokeSync(id: string): ApiKey {
    return now(() => this.#native.revokeSync(id), key);
  }

  /** Makes a key to take another's place; the old one ends now, or in `overlapSeconds`. */
  rotate(id: string, options?: RotateOptions): Promise<NewApiKey> {
    return soon(() => this.#native.rotate(id, given("options", options)), newKey);
  }

  /** As `rotate`, waiting. */
  rotateSync(id: string, options?: RotateOptions): NewApiKey {
    return now(() => this.#native.rotateSync(id, given("options", options)), newKey);
  }
}

/** See `Identities.tokens`. */
export class Tokens {
  readonly #native: Native.Tokens;

  /** @internal */
  constructor(handle: Native.Tokens) {
    this.#native = handle;
  }

  /** The token endpoint: an access token for an API key, or the next pair for a refresh token. */
  exchange(request: TokenRequest): Promise<AccessToken> {
    return soon(() => this.#native.exchange(given("request", request)), token);
  }

  /** As `exchange`, waiting. */
  exchangeSync(request: TokenRequest): AccessToken {
    return now(() => this.#native.exchangeSync(given("request", request)), token);
  }

  /** A token for somebody the app itself has authenticated. */
  issue(subject: string, options?: TokenOptions): Promise<AccessToken> {
    return soon(() => this.#native.issue(subject, given("options", options)), token);
  }

  /** As `issue`, waiting. */
  issueSync(subject: string, options?: TokenOptions): AccessToken {
    return now(() => this.#native.issueSync(subject, given("options", options)), token);
  }

  /** What a token or key is worth now; to a caller only those it reaches are worth anything. */
  introspect(credential: string): Promise<Introspection> {
    return soon(() => this.#native.introspect(credential), introspection);
  }

  /** As `introspect`, waiting. */
  introspectSync(credential: string): Introspection {
    return now(() => this.#native.introspectSync(credential), introspection);
  }

  /** Ends a token; a refresh token with everything it led to. One that is not known is answered the same. */
  revoke(credential: string): Promise<void> {
    return soon(() => this.#native.revoke(credential), nothing);
  }

  /** As `revoke`, waiting. */
  revokeSync(credential: string): void {
    now(() => this.#native.revokeSync(credential), nothing);
  }

  /** Our public keys as a JWK set. */
  jwks(): Promise<JsonWebKeySet> {
    return soon(() => this.#native.jwks(), keySet);
  }

  /** As `jwks`, waiting. */
  jwksSync(): JsonWebKeySet {
    return now(() => this.#native.jwksSync(), keySet);
  }

  /** Signs with a new key from now on; the one before stays published until its last token has ended. */
  rotateSigningKey(): Promise<void> {
    return soon(() => this.#native.rotateSigningKey(), nothing);
  }

  /** As `rotateSigningKey`, waiting. */
  rotateSigningKeySync(): void {
    now(() => this.#native.rotateSigningKeySync(), nothing);
  }
}

/** See `Admin.grants`. */
export class Grants {
  readonly #native: Native.Grants;

  /** @internal */
  constructor(handle: Native.Grants) {
    this.#native = handle;
  }

  /** Lets principals of one account act in a project of another, for named actions and a time. */
  create(request: NewGrant): Promise<Grant> {
    return soon(() => this.#native.create(given("grant", request)), grant);
  }

  /** As `create`, waiting. */
  createSync(request: NewGrant): Grant {
    return now(() => this.#native.createSync(given("grant", request)), grant);
  }

  /** Grants that have not ended, by id. */
  list(): Promise<readonly Grant[]> {
    return soon(() => this.#native.list(), grants);
  }

  /** As `list`, waiting. */
  listSync(): readonly Grant[] {
    return now(() => this.#native.listSync(), grants);
  }

  /** Ends a grant at once. */
  revoke(id: string): Promise<void> {
    return soon(() => this.#native.revoke(id), nothing);
  }

  /** As `revoke`, waiting. */
  revokeSync(id: string): void {
    now(() => this.#native.revokeSync(id), nothing);
  }

  /** Reads what crossed between tenants, as `audit.query` reads a project's chain. */
  uses(options?: AuditQuery): Promise<readonly AuditRecord[]> {
    return soon(() => this.#native.uses(given("options", options)), records);
  }

  /** As `uses`, waiting. */
  usesSync(options?: AuditQuery): readonly AuditRecord[] {
    return now(() => this.#native.usesSync(given("options", options)), records);
  }
}
