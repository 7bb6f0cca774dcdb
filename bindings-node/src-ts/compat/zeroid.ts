// The public ZeroIDClient's tokens and API keys, over the same calls as everything else and embedded: nothing is sent.
// Requests and answers are the wire's snake_case, as there.

import { inspect } from "node:util";

import { given, shortened } from "../data.js";
import { InvalidArgument, TenantryError } from "../errors.js";
import { Tenantry } from "../index.js";
import type { ApiKey as PlainKey, Identities, JsonWebKeySet } from "../index.js";
import type { Json, JsonObject } from "../requests.js";

export { TenantryError as ZeroIDError } from "../errors.js";

/** Options of the public client. Those that only shape HTTP there are taken and not used. */
export interface ZeroIDClientOptions {
  /** Where the service is. Remembered; nothing is sent. */
  readonly baseUrl?: string | undefined;
  /** The account to act in; `default` says nothing. */
  readonly accountId?: string | undefined;
  /** The project to act in; `default` says nothing. */
  readonly projectId?: string | undefined;
  /** The key to act with. */
  readonly apiKey?: string | undefined;
  readonly [transport: string]: unknown;
}

/** The answer of the token endpoint. Printing does not show the tokens. */
export interface AccessToken {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly jti: string;
  readonly iat: number;
  readonly external_id: string;
  readonly scope?: string;
  readonly account_id?: string;
  readonly project_id?: string;
  readonly user_id?: string;
  readonly refresh_token?: string;
}

/** What a token is worth now: `active` alone when nothing. */
export interface TokenIntrospection {
  readonly active: boolean;
  readonly [claim: string]: Json | undefined;
}

/** Who a token is: its claims, and its scopes as a list. */
export interface ZeroIDIdentity {
  readonly sub: string;
  readonly scopes: readonly string[];
  readonly account_id?: string;
  readonly project_id?: string;
  readonly [claim: string]: Json | undefined;
}

/** An API key: everything but the key. */
export interface APIKey {
  readonly id: string;
  readonly name: string;
  readonly key_prefix: string;
  readonly state: "active" | "revoked" | "expired";
  readonly scopes: readonly string[];
  readonly created_at: string;
  readonly account_id?: string;
  readonly project_id?: string;
  readonly expires_at?: string;
  readonly last_used_at?: string;
  readonly description?: string;
  readonly environment?: string;
  readonly [name: string]: Json | undefined;
}

/** A key that was just made, and the only time it is told. Printing does not show it. */
export interface CreatedAPIKey extends APIKey {
  readonly key: string;
}

/** What `tokens.issue` takes. */
export interface IssueTokenRequest {
  readonly grant_type: "api_key" | "refresh_token";
  readonly api_key?: string | undefined;
  readonly refresh_token?: string | undefined;
  readonly scope?: string | undefined;
}

/** What `apiKeys.create` takes. What else the public service keeps about a key is refused by name. */
export interface CreateAPIKeyRequest {
  /** What people call it. */
  readonly name: string;
  /** Its OAuth scopes. */
  readonly scopes?: readonly string[] | undefined;
  /** How many days it lives. Default: for ever. */
  readonly expires_in_days?: number | undefined;
  /** What it is for, for people. */
  readonly description?: string | undefined;
  /** What the app calls the place it is used in, e.g. `live` or `test`. */
  readonly environment?: string | undefined;
}

/** How the service is. */
export interface HealthStatus {
  readonly status: "healthy" | "unavailable";
  readonly service: string;
  readonly timestamp: string;
  readonly uptime_ms: number;
}

type Room = () => Promise<{ readonly identity: Identities }>;

/** A client for the tokens and keys of one place: the project its key, or `accountId` and `projectId`, name. */
export class ZeroIDClient implements Disposable, AsyncDisposable {
  /** The client behind this one, with all that Tenantry offers. */
  readonly tenantry: Tenantry;
  /** What was given as `baseUrl`. */
  readonly baseUrl: string;
  /** Tokens. */
  readonly tokens: ZeroIDTokens;
  /** API keys. */
  readonly apiKeys: ZeroIDKeys;
  readonly #opened = performance.now();

  constructor(options: ZeroIDClientOptions = {}) {
    if (typeof options !== "object" || options === null) throw misconfigured("`options` is not an object");
    for (const name of ["dataDir", "inMemory", "dev"]) {
      if (name in options) throw misconfigured(`\`${name}\` is no option here: set it with \`TENANTRY_*\` or tenantry.toml`);
    }
    const { baseUrl, accountId, projectId, apiKey } = options;
    this.baseUrl = baseUrl ?? "";
    this.tenantry = new Tenantry({ apiKey, accountId: said(accountId), projectId: said(projectId) });
    const place: Room = () => this.tenantry.own();
    // Where nothing names a place, the process judges tokens of every one.
    const anyPlace: Room = async () => {
      try {
        return await place();
      } catch (error) {
        if (!(error instanceof TenantryError) || error.code !== "tenant_missing") throw error;
        return this.tenantry;
      }
    };
    this.tokens = new ZeroIDTokens(anyPlace, { accountId, projectId });
    this.apiKeys = new ZeroIDKeys(place);
  }

  /** Our public keys as a JWK set. */
  jwks(): Promise<JsonWebKeySet> {
    return this.tenantry.identity.tokens.jwks();
  }

  /** How the engine in this process is. */
  async health(): Promise<HealthStatus> {
    return {
      status: this.tenantry.closed ? "unavailable" : "healthy",
      service: "tenantry",
      timestamp: new Date().toISOString(),
      uptime_ms: Math.round(performance.now() - this.#opened),
    };
  }

  /** Writes down everything pending and refuses further calls. Safe to call twice. */
  close(): Promise<void> {
    return this.tenantry.close();
  }

  [Symbol.dispose](): void {
    this.tenantry.closeSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** See `ZeroIDClient.tokens`. */
export class ZeroIDTokens {
  readonly #room: Room;
  readonly #place: { readonly accountId: string | undefined; readonly projectId: string | undefined };

  /** @internal */
  constructor(room: Room, place: { accountId: string | undefined; projectId: string | undefined }) {
    this.#room = room;
    this.#place = place;
  }

  /** An access token for an API key. */
  issueApiKey(apiKey: string, options: { readonly scope?: string | undefined } = {}): Promise<AccessToken> {
    return this.issue({ grant_type: "api_key", api_key: apiKey, scope: options?.scope });
  }

  /** The next pair for a refresh token, which works once. */
  refresh(refreshToken: string): Promise<AccessToken> {
    return this.issue({ grant_type: "refresh_token", refresh_token: refreshToken });
  }

  /** The token endpoint. */
  async issue(request: IssueTokenRequest): Promise<AccessToken> {
    const { grant_type, api_key, refresh_token, scope } = closed("request", request, TOKEN_FIELDS);
    const grant = { grantType: grant_type, apiKey: api_key, refreshToken: refresh_token, scope, ...this.#place };
    const token = await (await this.#room()).identity.tokens.exchange(grant);
    return quiet<AccessToken>(token.toJSON(), token);
  }

  /** What a token is worth now. */
  async introspect(token: string): Promise<TokenIntrospection> {
    return (await (await this.#room()).identity.tokens.introspect(token)).toJSON() as unknown as TokenIntrospection;
  }

  /** Ends a token; a refresh token with everything it led to. One that is not known is answered the same. */
  async revoke(token: string): Promise<void> {
    await (await this.#room()).identity.tokens.revoke(token);
  }

  /** Who a token is. Unlike there, one that was revoked is refused. `AuthenticationError` for one that is not taken. */
  async verify(token: string): Promise<ZeroIDIdentity> {
    const { identity } = await this.#room();
    const { claims } = await identity.tokens.introspect(token);
    // Second, and the one that refuses: what is revoked in between is not taken.
    const { principal, scopes } = await identity.verify(token);
    return { sub: principal.id, ...claims, scopes: [...scopes] };
  }
}

/** See `ZeroIDClient.apiKeys`. */
export class ZeroIDKeys {
  readonly #room: Room;

  /** @internal */
  constructor(room: Room) {
    this.#room = room;
  }

  /** Makes a key for the client's own place. */
  async create(request: CreateAPIKeyRequest): Promise<CreatedAPIKey> {
    const { name, expires_in_days: days, ...options } = closed("request", request, KEY_FIELDS);
    const expiresInSeconds = typeof days === "number" ? days * 24 * 60 * 60 : days;
    const made = await (await this.#room()).identity.keys.create(name, { ...options, expiresInSeconds });
    return quiet<CreatedAPIKey>(made.toJSON(), made);
  }

  /** The keys of the client's own place, oldest first. */
  async list(): Promise<{ readonly keys: readonly APIKey[] }> {
    const keys = await (await this.#room()).identity.keys.list();
    return { keys: keys.map(wire) };
  }

  /** One key of the client's own place. */
  async get(id: string): Promise<APIKey> {
    return wire(await (await this.#room()).identity.keys.get(id));
  }

  /** Ends a key of the client's own place and everything that was exchanged for it, at once. */
  async revoke(id: string): Promise<APIKey> {
    return wire(await (await this.#room()).identity.keys.revoke(id));
  }
}

const TOKEN_FIELDS: readonly string[] = ["grant_type", "api_key", "refresh_token", "scope"];
const KEY_FIELDS: readonly string[] = ["name", "scopes", "expires_in_days", "description", "environment"];

/** The public client says `default` where it was told nothing. */
function said(name: string | undefined): string | undefined {
  return name === "default" ? undefined : name;
}

function wire(key: PlainKey): APIKey {
  return key.toJSON() as unknown as APIKey;
}

/** The wire's fields, printed like the value they come from. */
function quiet<T>(fields: JsonObject, value: object): T {
  const print = (depth: number, options: object): string => inspect(value, { ...options, depth });
  return Object.defineProperty(fields, inspect.custom, { value: print }) as T;
}

/** A request, every field of it known. */
function closed<T>(what: string, request: T, fields: readonly string[]): T {
  const taken = given(what, request);
  if (typeof taken !== "object" || taken === null) throw refused(`\`${what}\` is not an object`);
  const stray = Object.keys(taken).find((name) => !fields.includes(name));
  if (stray !== undefined) throw refused(`\`${shortened(stray)}\` is not a field of \`${what}\` here`);
  return taken;
}

function refused(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "request_invalid" });
}

function misconfigured(message: string): InvalidArgument {
  return new InvalidArgument(message, { code: "config_invalid" });
}
