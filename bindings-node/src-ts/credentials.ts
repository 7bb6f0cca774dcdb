// What calls on credentials answer; views of wire JSON as in `responses.ts`. What is secret is read by name and never printed.

import { LimitSpec } from "./records.js";
import type { Algorithm, ClaimPaths, Facts, JsonObject, Layer, Mode, PrincipalType } from "./requests.js";
import { Value } from "./value.js";

/** What a credential was: an API key, a token of our own, one of another issuer, or anything at all in dev mode. */
export type CredentialKind = "api_key" | "token" | "jwt" | "dev";

/** Whether an API key is taken. */
export type KeyState = "active" | "revoked" | "expired";

/** Who acts, as a verified credential says. `tenant.actingAs` takes it. */
export interface CallerPrincipal {
  /** What it is. */
  readonly type: PrincipalType;
  /** Its id. */
  readonly id: string;
  /** Its roles, highest first. */
  readonly roles: readonly string[];
  /** Its OAuth scopes, as the credential has them. */
  readonly scopes: readonly string[];
}

/** A set of public keys (RFC 7517). */
export interface JsonWebKeySet {
  /** The keys, each as a JWK. */
  readonly keys: readonly JsonObject[];
}

/** A policy every new project starts with. */
export interface ProvisionedPolicy {
  /** The name, unique within the layer. */
  readonly name: string;
  /** The Cedar text. */
  readonly text: string;
  /** Its mode. */
  readonly mode: Mode;
  /** Where it is attached. */
  readonly layer: Layer;
  /** Whether its layer bounds every layer below. */
  readonly ceiling: boolean;
}

/** Who a verified credential is, and what it reaches. */
export class Identity extends Value {
  /** Who acts. */
  get principal(): CallerPrincipal {
    const principal = this.field<JsonObject>("principal");
    return Object.freeze({ roles: [], scopes: [], ...principal }) as unknown as CallerPrincipal;
  }

  /** What the credential was. */
  get credential(): CredentialKind {
    return this.field("credential");
  }

  /** The key's id, or the token's `jti`; `""` when it has none. */
  get credentialId(): string {
    return this.field("credential_id", "");
  }

  /** The token's issuer; `""` when it has none. */
  get issuer(): string {
    return this.field("issuer", "");
  }

  /** The account it reaches; `""` for the whole platform. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The projects it reaches; empty for all of the account. */
  get projectIds(): readonly string[] {
    return this.field("project_ids", []);
  }

  /** What it may do, roles counted in. */
  get scopes(): readonly string[] {
    return this.field("scopes");
  }

  /** When it ends, RFC 3339 in UTC; absent for never. */
  get expiresAt(): string | undefined {
    return this.field("expires_at");
  }

  protected override get shown(): readonly string[] {
    return ["principal", "credential", "credentialId", "accountId", "projectIds"];
  }
}

/** An API key: everything but the key. */
export class ApiKey extends Value {
  /** Names it; not secret. */
  get id(): string {
    return this.field("id");
  }

  /** What people call it. */
  get name(): string {
    return this.field("name");
  }

  /** How it starts, for finding it in a configuration. */
  get keyPrefix(): string {
    return this.field("key_prefix");
  }

  /** The account it reaches; `""` for a platform key. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The project it reaches; `""` when it reaches a whole account. */
  get projectId(): string {
    return this.field("project_id", "");
  }

  /** Whether it is taken. */
  get state(): KeyState {
    return this.field("state");
  }

  /** Its OAuth scopes. */
  get scopes(): readonly string[] {
    return this.field("scopes");
  }

  /** What its holder is to policies. */
  get type(): PrincipalType {
    return this.field("type");
  }

  /** The principal's id. */
  get subject(): string {
    return this.field("subject");
  }

  /** Who made it. */
  get createdBy(): string {
    return this.field("created_by");
  }

  /** When it was made, RFC 3339 in UTC. */
  get createdAt(): string {
    return this.field("created_at");
  }

  /** When it ends, RFC 3339 in UTC; absent for never. */
  get expiresAt(): string | undefined {
    return this.field("expires_at");
  }

  /** When it was last used, RFC 3339 in UTC; written within a second of use. */
  get lastUsedAt(): string | undefined {
    return this.field("last_used_at");
  }

  /** The id of the key that took its place. */
  get replacedBy(): string | undefined {
    return this.field("replaced_by");
  }

  /** What it is for, for people. */
  get description(): string {
    return this.field("description", "");
  }

  /** What the app calls the place it is used in. */
  get environment(): string {
    return this.field("environment", "");
  }

  protected override get shown(): readonly string[] {
    return ["id", "name", "keyPrefix", "accountId", "projectId", "state"];
  }
}

/** A key that was just made. The only time the key itself is told; printing does not show it, `toJSON` does. */
export class NewApiKey extends ApiKey {
  /** The key; `""` for an imported one. */
  get key(): string {
    return this.field("key");
  }
}

/** The answer of the token endpoint. Printing does not show the tokens, `toJSON` does. */
export class AccessToken extends Value {
  /** The signed token. */
  get accessToken(): string {
    return this.field("access_token");
  }

  /** `Bearer`. */
  get tokenType(): string {
    return this.field("token_type");
  }

  /** Seconds until it expires. */
  get expiresIn(): number {
    return this.field("expires_in");
  }

  /** The scopes it has, separated by spaces. */
  get scope(): string {
    return this.field("scope", "");
  }

  /** The token's id. */
  get jti(): string {
    return this.field("jti");
  }

  /** When it was issued, seconds since 1970. */
  get iat(): number {
    return this.field("iat");
  }

  /** The account it reaches; `""` for the whole platform. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The project it reaches; `""` when it reaches a whole account. */
  get projectId(): string {
    return this.field("project_id", "");
  }

  /** The principal's id. */
  get externalId(): string {
    return this.field("external_id");
  }

  /** Who made the key it was exchanged for; `""` when there was none. */
  get userId(): string {
    return this.field("user_id", "");
  }

  /** Gets the next pair, once; `""` when none came with it. */
  get refreshToken(): string {
    return this.field("refresh_token", "");
  }

  protected override get shown(): readonly string[] {
    return ["jti", "tokenType", "expiresIn", "scope", "accountId", "projectId", "externalId"];
  }
}

/** What a token is worth now (RFC 7662). */
export class Introspection extends Value {
  /** Whether it would be taken. */
  get active(): boolean {
    return this.field("active");
  }

  /** Its claims, when active: `sub`, `account_id`, `scope` and the others under their own names. */
  get claims(): JsonObject {
    const { active: _, ...claims } = this.toJSON();
    return claims;
  }

  protected override get shown(): readonly string[] {
    return ["active", "claims"];
  }
}

/** A cross-tenant grant. */
export class Grant extends Value {
  /** Names it. */
  get id(): string {
    return this.field("id");
  }

  /** The account whose principals may act. */
  get fromAccount(): string {
    return this.field("from_account");
  }

  /** Its project; `""` for all of them. */
  get fromProject(): string {
    return this.field("from_project", "");
  }

  /** The account they may act in. */
  get toAccount(): string {
    return this.field("to_account");
  }

  /** The project they may act in. */
  get toProject(): string {
    return this.field("to_project");
  }

  /** What it covers: actions of guard calls and rights. */
  get actions(): readonly string[] {
    return this.field("actions");
  }

  /** Why. */
  get reason(): string {
    return this.field("reason");
  }

  /** When it was made, RFC 3339 in UTC. */
  get createdAt(): string {
    return this.field("created_at");
  }

  /** When it ends, RFC 3339 in UTC. */
  get until(): string {
    return this.field("until");
  }

  protected override get shown(): readonly string[] {
    return ["id", "fromAccount", "fromProject", "toAccount", "toProject", "actions", "until"];
  }
}

/** What came of putting an issuer, or what its keys are now. */
export class IssuerReceipt extends Value {
  /** The issuer. */
  get issuer(): string {
    return this.field("issuer");
  }

  /** The keys that verify its tokens, each by its `kid` or its place in the set. */
  get keys(): readonly string[] {
    return this.field("keys", []);
  }

  /** The keys that do not, each with the reason. */
  get skipped(): readonly string[] {
    return this.field("skipped", []);
  }

  /** Why its keys could not be fetched; `""` where they were, or where they were given. */
  get unreachable(): string {
    return this.field("unreachable", "");
  }

  protected override get shown(): readonly string[] {
    return ["issuer", "keys", "skipped", "unreachable"];
  }
}

/** An identity provider whose tokens are taken. Its secret, if it has one, is never told again. */
export class IssuerSpec extends Value {
  /** The exact `iss` of its tokens. */
  get issuer(): string {
    return this.field("issuer");
  }

  /** Tokens must name one of these in `aud`. */
  get audience(): readonly string[] {
    return this.field("audience");
  }

  /** Which claim names the audience in tokens without `aud`; `""` where one without is refused. */
  get audienceClaim(): string {
    return this.field("audience_claim", "");
  }

  /** The algorithms taken, and no others. */
  get algorithms(): readonly Algorithm[] {
    return this.field("algorithms");
  }

  /** Where its public keys are published; `""` when it says otherwise what they are. */
  get jwksUrl(): string {
    return this.field("jwks_url", "");
  }

  /** Its public keys, when they were given as they are. */
  get jwks(): JsonWebKeySet | undefined {
    return this.field<JsonObject | undefined>("jwks") as JsonWebKeySet | undefined;
  }

  /** Whether `jwksUrl` may name a private or loopback address, and plain HTTP. */
  get privateNetwork(): boolean {
    return this.field("private_network", false);
  }

  /** How far its clock may be off, in seconds. */
  get leewaySeconds(): number {
    return this.field("leeway_seconds", 0);
  }

  /** The accounts it may speak for; `["*"]` for every account. */
  get accounts(): readonly string[] {
    return this.field("accounts");
  }

  /** The project every token is, in single-tenant mode; else `""`. */
  get project(): string {
    return this.field("project", "");
  }

  /** Where its tokens say what; absent when in the usual claims. */
  get claims(): Readonly<Record<keyof ClaimPaths, string>> | undefined {
    return this.field("claims");
  }

  /** What the id of each of its principals starts with, before the token's subject; `""` where it names them bare. */
  get principalPrefix(): string {
    return this.field("principal_prefix", "");
  }

  protected override get shown(): readonly string[] {
    return ["issuer", "audience", "algorithms", "accounts", "project"];
  }
}

/** What happens when a verified credential names an account nobody created. */
export class AutoProvision extends Value {
  /** Whether it is created. */
  get enabled(): boolean {
    return this.field("enabled");
  }

  /** Most accounts made up this way. */
  get maxAccounts(): number {
    return this.field("max_accounts");
  }

  /** Most accounts made up this way in one minute. */
  get perMinute(): number {
    return this.field("per_minute");
  }

  /** Facts of what is created. */
  get facts(): Facts {
    return this.field<JsonObject>("facts", {}) as Facts;
  }

  /** Policies every new project starts with, beside the baseline. */
  get policies(): readonly ProvisionedPolicy[] {
    return this.field<readonly JsonObject[]>("policies", []) as unknown as readonly ProvisionedPolicy[];
  }

  /** Limits every new project starts with. */
  get limits(): readonly LimitSpec[] {
    return this.parts("limits", LimitSpec) ?? [];
  }

  protected override get shown(): readonly string[] {
    return ["enabled", "maxAccounts", "perMinute"];
  }
}

/** What the platform decides about identity. */
export class IdentitySettings extends Value {
  /** The `iss` of our own tokens; `""` for one made from the installation's key id. */
  get issuer(): string {
    return this.field("issuer");
  }

  /** The trust domain of agents' SPIFFE ids in our own tokens. */
  get trustDomain(): string {
    return this.field("trust_domain");
  }

  /** What new API keys start with. */
  get keyPrefix(): string {
    return this.field("key_prefix");
  }

  /** Lifetime of our access tokens, in seconds. */
  get accessTokenSeconds(): number {
    return this.field("access_token_seconds");
  }

  /** Lifetime of our refresh tokens, in seconds. */
  get refreshTokenSeconds(): number {
    return this.field("refresh_token_seconds");
  }

  /** Most living API keys per project. */
  get maxKeys(): number {
    return this.field("max_keys");
  }

  /** Which scopes a role means, for credentials that carry roles and no scopes. */
  get roles(): Readonly<Record<string, readonly string[]>> {
    return this.field("roles");
  }

  /** What happens to accounts nobody has seen. */
  get autoProvision(): AutoProvision {
    return new AutoProvision(JSON.stringify(this.field<JsonObject>("auto_provision")));
  }

  protected override get shown(): readonly string[] {
    return ["issuer", "trustDomain", "keyPrefix", "accessTokenSeconds", "refreshTokenSeconds", "maxKeys", "autoProvision"];
  }
}
