// Written by core/gen from the table of operations; do not edit.

import { fields, required } from "../fields.js";
import { Operations, nothing, one, plain } from "../operate.js";
import type { JsonWebKeySet } from "../requests.js";
import type { TokenOptions, TokenRequest } from "./inputs.js";
import { AccessToken, Introspection } from "./records.js";
import * as tables from "./tables.js";

/** Our own tokens. */
export class Tokens extends Operations {
  /** Exchanges an API key for an access token, or a refresh token for the next pair. */
  exchange(request: TokenRequest): Promise<AccessToken> {
    return this.promised(
      "tokens.exchange",
      one(AccessToken),
      {},
      () => fields("request", request, tables.tokenRequest),
    );
  }

  /** As `exchange`, waiting. */
  exchangeSync(request: TokenRequest): AccessToken {
    return this.waited("tokens.exchange", one(AccessToken), {}, () => fields("request", request, tables.tokenRequest));
  }

  /** Issues a token for somebody the app itself has authenticated. */
  issue(subject: string, options?: TokenOptions): Promise<AccessToken> {
    return this.promised(
      "tokens.issue",
      one(AccessToken),
      {},
      () => ({ subject: required("subject", subject), ...fields("options", options, tables.tokenOptions) }),
    );
  }

  /** As `issue`, waiting. */
  issueSync(subject: string, options?: TokenOptions): AccessToken {
    return this.waited(
      "tokens.issue",
      one(AccessToken),
      {},
      () => ({ subject: required("subject", subject), ...fields("options", options, tables.tokenOptions) }),
    );
  }

  /** Says what a token or key is worth now; to a caller only those it reaches are worth anything. */
  introspect(token: string): Promise<Introspection> {
    return this.promised("tokens.introspect", one(Introspection), {}, () => ({ token: required("token", token) }));
  }

  /** As `introspect`, waiting. */
  introspectSync(token: string): Introspection {
    return this.waited("tokens.introspect", one(Introspection), {}, () => ({ token: required("token", token) }));
  }

  /** Ends a token; a refresh token with everything it led to. One that is not known is answered the same. */
  revoke(token: string): Promise<void> {
    return this.promised("tokens.revoke", nothing, {}, () => ({ token: required("token", token) }));
  }

  /** As `revoke`, waiting. */
  revokeSync(token: string): void {
    return this.waited("tokens.revoke", nothing, {}, () => ({ token: required("token", token) }));
  }

  /** Publishes our public keys as a JWK set. */
  jwks(): Promise<JsonWebKeySet> {
    return this.promised("tokens.jwks", plain<JsonWebKeySet>);
  }

  /** As `jwks`, waiting. */
  jwksSync(): JsonWebKeySet {
    return this.waited("tokens.jwks", plain<JsonWebKeySet>);
  }

  /** Signs with a new key from now on; the one before stays published until its last token has ended. */
  rotateSigningKey(): Promise<void> {
    return this.promised("tokens.rotate_signing_key", nothing);
  }

  /** As `rotateSigningKey`, waiting. */
  rotateSigningKeySync(): void {
    return this.waited("tokens.rotate_signing_key", nothing);
  }
}
