package tenantry

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	sharedSecret = "a secret of at least thirty-two bytes"
	provider     = "https://idp.example"
)

func key(t *testing.T, client *Client, scopes ...string) NewAPIKey {
	t.Helper()
	made, err := client.Identity().Keys().Create(ctx, KeySpec{
		Name: "test", AccountID: "acme", ProjectID: "prod", Scopes: scopes,
	})
	ok(t, err)
	return made
}

func issuer(accounts ...string) IssuerSpec {
	return IssuerSpec{
		Issuer: provider, Audience: []string{"tenantry"}, Algorithms: []Algorithm{AlgorithmHS256},
		Secret: sharedSecret, Accounts: accounts,
	}
}

// signed is a token of the provider.
func signed(t *testing.T, claims map[string]any) Presented {
	t.Helper()
	all := map[string]any{
		"iss": provider, "aud": "tenantry", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(), "account_id": "acme",
	}
	for name, value := range claims {
		all[name] = value
	}
	part := func(value any) string {
		text, err := json.Marshal(value)
		ok(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	message := part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + part(all)
	mac := hmac.New(sha256.New, []byte(sharedSecret))
	mac.Write([]byte(message))
	return Token(message + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

func TestAKeyOpensItsProjectInEveryShapeItComesIn(t *testing.T) {
	client, acme := open(t)
	made := key(t, client, "tools:read")
	request, err := http.NewRequest(http.MethodGet, "/v1/events?token="+made.Key, nil)
	ok(t, err)
	shapes := map[string]func() (*Tenant, error){
		"token": func() (*Tenant, error) { return client.Authenticate(ctx, Token(made.Key)) },
		"bearer": func() (*Tenant, error) {
			return client.Authenticate(ctx, Headers(http.Header{"Authorization": {"Bearer " + made.Key}}))
		},
		"any case": func() (*Tenant, error) {
			return client.Authenticate(ctx, Headers(map[string][]string{"x-API-key": {made.Key}, "X-PROJECT-ID": {"prod"}}))
		},
		"latin-1 beside it": func() (*Tenant, error) {
			return client.Authenticate(ctx, Headers(http.Header{"X-Api-Key": {made.Key}, "X-Name": {"Jos\xe9"}}))
		},
		"query of a stream": func() (*Tenant, error) {
			return client.Authenticate(ctx, Headers(request.Header), WithTarget(request.Method, request.URL.RequestURI()))
		},
	}
	for name, enter := range shapes {
		t.Run(name, func(t *testing.T) {
			tenant, err := enter()
			ok(t, err)
			same(t, tenant.String(), `Tenant("acme", "prod")`)
			want := Identity{
				Principal: Principal{Type: PrincipalUser, ID: made.ID, Scopes: []string{"tools:read"}}, Credential: CredentialAPIKey,
				CredentialID: made.ID, AccountID: "acme", ProjectIds: []string{"prod"}, Scopes: []string{"tools:read"},
			}
			if !reflect.DeepEqual(*tenant.Caller(), want) {
				t.Errorf("got %+v\nwant %+v", *tenant.Caller(), want)
			}
			response, err := tenant.Guard().EvaluatePrompt(ctx, "hello")
			ok(t, err)
			same(t, response.Allowed(), true)
		})
	}
	if acme.Caller() != nil {
		t.Errorf("nobody vouched for %+v", acme.Caller())
	}
}

func TestEveryLineOfAHeaderCounts(t *testing.T) {
	client, _ := open(t)
	made := key(t, client)
	for name, headers := range map[string]http.Header{
		"twice":         {"X-Api-Key": {made.Key, made.Key}},
		"in two cases":  {"X-Api-Key": {made.Key}, "x-api-key": {made.Key}},
		"two selectors": {"X-Api-Key": {made.Key}, "X-Account-Id": {"acme", "globex"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Authenticate(ctx, Headers(headers))
			fails(t, err, ErrInvalidArgument, "header_duplicate")
		})
	}
	_, err := client.Authenticate(ctx, Headers(http.Header{"X-Api-Key": {made.Key}, "X-Account-Id": {"globex"}}))
	fails(t, err, ErrPermissionDenied, "outside_authority")
	for _, nothing := range []Presented{{}, Token(""), Headers(nil), Headers(http.Header{"X-Api-Key": {}})} {
		_, err = client.Authenticate(ctx, nothing)
		fails(t, err, ErrUnauthenticated, "credential_missing")
	}
	_, err = client.Authenticate(ctx, Token("a\xff"))
	fails(t, err, ErrInvalidArgument, "text_not_utf8")
}

func TestRevocationEndsHandlesAndTokens(t *testing.T) {
	client, _ := open(t)
	keys, tokens := client.Identity().Keys(), client.Identity().Tokens()
	made := key(t, client, "tools:read")
	held, err := client.Authenticate(ctx, Token(made.Key))
	ok(t, err)
	token, err := tokens.Exchange(ctx, TokenRequest{GrantType: "api_key", APIKey: made.Key})
	ok(t, err)
	same(t, token.Scope, "tools:read")
	found, err := tokens.Introspect(ctx, token.AccessToken)
	ok(t, err)
	same(t, found.Active && found.Claims["account_id"] == "acme", true)
	text, err := json.Marshal(found)
	ok(t, err)
	var again Introspection
	ok(t, json.Unmarshal(text, &again))
	if !strings.Contains(string(text), `"active":true`) || !reflect.DeepEqual(again, found) {
		t.Errorf("%s", text)
	}

	record, err := keys.Revoke(ctx, made.ID)
	ok(t, err)
	same(t, record.State, KeyRevoked)
	_, err = held.Guard().EvaluatePrompt(ctx, "hello")
	fails(t, err, ErrUnauthenticated, "credential_revoked")
	_, err = client.Authenticate(ctx, Token(made.Key))
	fails(t, err, ErrUnauthenticated, "credential_unknown")
	found, err = tokens.Introspect(ctx, token.AccessToken)
	ok(t, err)
	text, err = json.Marshal(found)
	ok(t, err)
	same(t, string(text), `{"active":false}`)
}

func TestRotationAndImport(t *testing.T) {
	client, _ := open(t)
	keys := client.Identity().Keys()
	old := key(t, client)
	fresh, err := keys.Rotate(ctx, old.ID, 3600)
	ok(t, err)
	for _, text := range []string{old.Key, fresh.Key} {
		_, err = client.Authenticate(ctx, Token(text))
		ok(t, err)
	}
	_, err = keys.Rotate(ctx, old.ID, -1)
	fails(t, err, ErrInvalidArgument, "request_invalid")
	_, err = keys.Create(ctx, KeySpec{Name: "x", ExpiresInSeconds: -1})
	fails(t, err, ErrInvalidArgument, "request_invalid")

	foreign := "zid_sk_0123456789abcdefghijklmnopqrstuv"
	hash := sha256.Sum256([]byte(foreign))
	imported, err := keys.Create(ctx, KeySpec{
		Name: "imported", AccountID: "acme", ProjectID: "prod", Type: PrincipalAgent, Subject: "crawler",
		ImportSHA256: hex.EncodeToString(hash[:]),
	})
	ok(t, err)
	same(t, imported.Key, "")
	tenant, err := client.Authenticate(ctx, Token(foreign))
	ok(t, err)
	same(t, tenant.Caller().Principal.ID, "crawler")
	same(t, tenant.Caller().Principal.Type, PrincipalAgent)
	listed, err := keys.List(ctx, "acme", "prod")
	ok(t, err)
	same(t, listed.Len(), 3)
	same(t, listed.Items[0].ReplacedBy, fresh.ID)
}

func TestAnIssuerSpeaksForItsAccounts(t *testing.T) {
	client, _ := open(t)
	issuers := client.Identity().Issuers()
	spec := issuer("acme")
	spec.LeewaySeconds = Ptr(int64(5))
	spec.Claims = &ClaimPaths{Project: Ptr("/where/project"), Roles: Ptr("")}
	receipt, err := issuers.Put(ctx, spec)
	ok(t, err)
	same(t, receipt.Issuer, spec.Issuer)
	tenant, err := client.Authenticate(ctx, signed(t, map[string]any{
		"where": map[string]any{"project": "prod"}, "role": "owner", "scopes": "tools:read tools:write",
	}))
	ok(t, err)
	caller := tenant.Caller()
	same(t, caller.Credential, CredentialJWT)
	same(t, caller.Issuer, provider)
	same(t, strings.Join(caller.Scopes, " "), "tools:read tools:write")
	if caller.ExpiresAt == "" || caller.Principal.Roles != nil {
		t.Errorf("%+v", caller)
	}
	_, err = client.Authenticate(ctx, signed(t, map[string]any{"account_id": "globex"}))
	fails(t, err, ErrPermissionDenied, "issuer_not_for_account")

	listed, err := issuers.List(ctx)
	ok(t, err)
	text, err := json.Marshal(listed.Items)
	ok(t, err)
	same(t, string(text), `[{"issuer":"https://idp.example","audience":["tenantry"],"algorithms":["HS256"],"leeway_seconds":5,`+
		`"accounts":["acme"],"claims":{"account":"account_id","project":"/where/project","roles":"","scopes":""}}]`)
	ok(t, issuers.Remove(ctx, provider))
	_, err = tenant.Guard().EvaluatePrompt(ctx, "hello")
	same(t, errors.Is(err, ErrUnauthenticated), true)

	for name, change := range map[string]func(*IssuerSpec){
		"algorithm": func(spec *IssuerSpec) { spec.Algorithms = []Algorithm{"none"} },
		"audience":  func(spec *IssuerSpec) { spec.Audience = nil },
		"leeway":    func(spec *IssuerSpec) { spec.LeewaySeconds = Ptr(int64(-1)) },
		"two keys":  func(spec *IssuerSpec) { spec.JWKS = map[string]any{"keys": []any{}} },
	} {
		t.Run(name, func(t *testing.T) {
			spec := issuer("acme")
			change(&spec)
			_, err := issuers.Put(ctx, spec)
			same(t, errors.Is(err, ErrInvalidArgument), true)
		})
	}
}

func TestTokensOfOurOwn(t *testing.T) {
	client, _ := open(t)
	tokens := client.Identity().Tokens()
	first, err := tokens.Issue(ctx, TokenSpec{
		Subject: "ann", AccountID: "acme", ProjectID: "prod", Roles: []string{"admin"}, Refresh: true,
	})
	ok(t, err)
	same(t, first.TokenType, "Bearer")
	refresh := func(token string) (AccessToken, error) {
		return tokens.Exchange(ctx, TokenRequest{GrantType: "refresh_token", RefreshToken: token})
	}
	second, err := refresh(first.RefreshToken)
	ok(t, err)
	held, err := client.Authenticate(ctx, Token(second.AccessToken))
	ok(t, err)
	ok(t, held.RequireScopes(ctx, "users:manage", "tools:read"))
	fails(t, held.RequireScopes(ctx, "users:manage", "tenant:manage"), ErrPermissionDenied, "scope_missing")
	_, err = refresh(first.RefreshToken)
	fails(t, err, ErrUnauthenticated, "refresh_token_reused")
	_, err = held.Guard().EvaluatePrompt(ctx, "hello")
	fails(t, err, ErrUnauthenticated, "credential_revoked")

	third, err := tokens.Issue(ctx, TokenSpec{Subject: "ann", AccountID: "acme", ProjectID: "prod"})
	ok(t, err)
	ok(t, tokens.RotateSigningKey(ctx))
	published, err := tokens.JWKS(ctx)
	ok(t, err)
	same(t, len(published["keys"].([]any)), 2)
	who, err := client.Identity().Verify(ctx, third.AccessToken)
	ok(t, err)
	same(t, who.CredentialID, third.JTI)
	ok(t, tokens.Revoke(ctx, third.AccessToken))
	_, err = client.Identity().Verify(ctx, third.AccessToken)
	fails(t, err, ErrUnauthenticated, "credential_revoked")
}

func TestACallerReachesNoFurtherThanItsCredential(t *testing.T) {
	client, acme := open(t)
	admin, err := client.Authenticate(ctx, Token(key(t, client, "tools:read", "credentials:manage").Key))
	ok(t, err)
	made, err := admin.Identity().Keys().Create(ctx, KeySpec{Name: "narrow", Scopes: []string{"tools:read"}})
	ok(t, err)
	same(t, made.AccountID+"/"+made.ProjectID, "acme/prod")
	got, err := admin.Identity().Keys().Get(ctx, made.ID)
	ok(t, err)
	same(t, got.Name, "narrow")
	_, err = admin.Identity().Keys().Get(ctx, "nothing")
	fails(t, err, ErrNotFound, "key_not_found")
	_, err = admin.Identity().Keys().Create(ctx, KeySpec{Name: "wide", Scopes: []string{"tools:execute"}})
	fails(t, err, ErrPermissionDenied, "scope_missing")
	_, err = admin.Identity().Keys().List(ctx, "globex", "prod")
	fails(t, err, ErrPermissionDenied, "outside_authority")
	_, err = admin.Identity().Settings(ctx)
	fails(t, err, ErrPermissionDenied, "outside_authority")
	narrow, err := client.Authenticate(ctx, Token(made.Key))
	ok(t, err)
	_, err = narrow.Policies().List(ctx)
	fails(t, err, ErrPermissionDenied, "scope_missing")
	response, err := narrow.Guard().EvaluateToolCall(ctx, "shell", nil)
	ok(t, err)
	same(t, response.Code, "insufficient_scope")
	fails(t, acme.RequireScopes(ctx, "tools:read"), ErrPermissionDenied, "scope_missing")
	ok(t, narrow.RequireScopes(ctx))
}

func TestGrantsCrossForWhatTheyName(t *testing.T) {
	client, _ := open(t)
	grants := client.Admin().Grants()
	headers := Headers(http.Header{"X-Api-Key": {key(t, client).Key}, "X-Account-Id": {"globex"}, "X-Project-Id": {"prod"}})
	grant, err := grants.Create(ctx, GrantSpec{
		FromAccount: "acme", ToAccount: "globex", ToProject: "prod", Actions: []string{"process_prompt"},
		ExpiresInSeconds: 3600, Reason: "shared support desk",
	})
	ok(t, err)
	crossed, err := client.Authenticate(ctx, headers)
	ok(t, err)
	same(t, crossed.String(), `Tenant("globex", "prod")`)
	_, err = crossed.Guard().EvaluatePrompt(ctx, "hello")
	ok(t, err)
	listed, err := grants.List(ctx)
	ok(t, err)
	same(t, listed.Len() == 1 && reflect.DeepEqual(listed.Items[0], grant), true)
	uses, err := grants.Uses(ctx, AuditQuery{})
	ok(t, err)
	same(t, uses.Items[0].Kind, "grant.create")
	later, err := grants.Uses(ctx, AuditQuery{After: Ptr(uses.Items[0].Sequence), Limit: Ptr(int64(1))})
	ok(t, err)
	same(t, later.Len() == 1 && later.Items[0].Kind == "cross_tenant", true)
	ok(t, grants.Revoke(ctx, grant.ID))
	_, err = crossed.Guard().EvaluatePrompt(ctx, "hello")
	fails(t, err, ErrPermissionDenied, "grant_ended")
	_, err = grants.Create(ctx, GrantSpec{FromAccount: "acme", ToAccount: "globex", ToProject: "prod"})
	fails(t, err, ErrInvalidArgument, "grant_spec_invalid")
}

func TestSettingsOfIdentity(t *testing.T) {
	client, _ := open(t)
	identity := client.Identity()
	usual, err := identity.Settings(ctx)
	ok(t, err)
	same(t, usual.AccessTokenSeconds, 3600)
	same(t, len(usual.Roles), 4)
	again, err := identity.PutSettings(ctx, IdentitySettings{})
	ok(t, err)
	if !reflect.DeepEqual(again, usual) {
		t.Errorf("left out is not the default: %+v", again)
	}

	_, err = identity.Issuers().Put(ctx, issuer("*"))
	ok(t, err)
	put, err := identity.PutSettings(ctx, IdentitySettings{
		KeyPrefix: "hf_sk",
		Roles:     map[string][]string{"reader": {"tools:read"}},
		AutoProvision: AutoProvision{
			Enabled: true, MaxAccounts: 3, Facts: &TenantFacts{Tier: "free"},
			Policies: []PolicySpec{{Name: "house", Text: "permit(principal, action, resource);"}},
			Limits:   []LimitSpec{{ID: "chats", Rate: 5, PerMs: 60_000}},
		},
	})
	ok(t, err)
	same(t, put.AutoProvision.PerMinute, 60)
	same(t, put.AutoProvision.Policies[0].Mode, ModeEnforce)
	text, err := json.Marshal(put)
	ok(t, err)
	var read IdentitySettings
	ok(t, json.Unmarshal(text, &read))
	if !reflect.DeepEqual(read, put) {
		t.Errorf("%s", text)
	}
	tenant, err := client.Authenticate(ctx, signed(t, map[string]any{"account_id": "initech", "role": "reader"}))
	ok(t, err)
	same(t, tenant.String(), `Tenant("initech", "default")`)
	same(t, strings.Join(tenant.Caller().Scopes, " "), "tools:read")
	same(t, strings.HasPrefix(key(t, client).Key, "hf_sk_"), true)
	_, err = client.Authenticate(ctx, signed(t, map[string]any{"account_id": "umbrella"}))
	fails(t, err, ErrQuotaExceeded, "provisioning_exhausted")
	_, err = identity.PutSettings(ctx, IdentitySettings{MaxKeys: -1})
	fails(t, err, ErrInvalidArgument, "request_invalid")
	none, err := identity.PutSettings(ctx, IdentitySettings{Roles: map[string][]string{}})
	ok(t, err)
	same(t, len(none.Roles), 0)
}

func TestRequireCredentialsClosesTheDoorThatTakesNames(t *testing.T) {
	client, err := Open(Options{InMemory: true, RequireCredentials: Ptr(true), Deadline: 10 * time.Second})
	ok(t, err)
	defer client.Close()
	_, err = client.Admin().Accounts().Create(ctx, "acme", TenantFacts{})
	ok(t, err)
	_, err = client.Admin().Projects().Create(ctx, "acme", "prod", TenantFacts{})
	ok(t, err)
	_, err = client.Tenant(ctx, "acme", "prod")
	fails(t, err, ErrPermissionDenied, "credentials_required")
	made := key(t, client)
	_, err = client.Authenticate(ctx, Token(made.Key))
	ok(t, err)
	ok(t, client.Close())
	_, err = client.Authenticate(ctx, Token(made.Key))
	fails(t, err, ErrInvalidArgument, "client_closed")
}

func TestDevModeBelievesThisMachineOnly(t *testing.T) {
	client, err := Open(Options{InMemory: true, Dev: Ptr(true), Deadline: 10 * time.Second})
	ok(t, err)
	defer client.Close()
	said := Headers(http.Header{"X-Tenant-Id": {"acme"}, "X-User-Id": {"ann"}})
	for _, peer := range []string{"127.0.0.1:4711", "[::1]:4711", "[::ffff:127.0.0.1]:4711", "127.0.0.1"} {
		tenant, err := client.Authenticate(ctx, said, WithPeer(peer))
		ok(t, err)
		same(t, tenant.Caller().Principal.ID, "ann")
		same(t, tenant.Caller().Credential, CredentialDev)
	}
	for _, peer := range []string{"203.0.113.9:4711", "203.0.113.9", "@"} {
		_, err := client.Authenticate(ctx, said, WithPeer(peer))
		fails(t, err, ErrUnauthenticated, "credential_missing")
	}
}

func TestSecretsAreNotPrintedAndJSONHasThem(t *testing.T) {
	client, _ := open(t)
	made := key(t, client)
	token, err := client.Identity().Tokens().Issue(ctx, TokenSpec{
		Subject: "ann", AccountID: "acme", ProjectID: "prod", Refresh: true,
	})
	ok(t, err)
	request := TokenRequest{GrantType: "api_key", APIKey: made.Key, RefreshToken: token.RefreshToken}
	for _, one := range []struct {
		value   any
		secrets []string
		shows   string
	}{
		{made, []string{made.Key}, made.ID},
		{&made, []string{made.Key}, made.ID},
		{struct{ Inner NewAPIKey }{made}, []string{made.Key}, made.ID},
		{token, []string{token.AccessToken, token.RefreshToken}, token.JTI},
		{issuer("acme"), []string{sharedSecret}, provider},
		{request, []string{made.Key, token.RefreshToken}, "api_key"},
		{Token(made.Key), []string{made.Key}, "Presented"},
		{Headers(http.Header{"X-Api-Key": {made.Key}}), []string{made.Key}, "Presented"},
	} {
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "value", one.value)
		printed := map[string]string{"log": logged.String(), "print": fmt.Sprint(one.value)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%10v"} {
			printed[verb] = fmt.Sprintf(verb, one.value)
		}
		for verb, text := range printed {
			for _, secret := range one.secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%T with %s shows a secret", one.value, verb)
				}
			}
			if !strings.Contains(text, one.shows) {
				t.Errorf("%T with %s shows too little: %s", one.value, verb, text)
			}
		}
		for _, secret := range one.secrets {
			_, presented := one.value.(Presented)
			text, err := json.Marshal(one.value)
			ok(t, err)
			same(t, strings.Contains(string(text), secret), !presented)
		}
	}
	for _, value := range []any{made, token, issuer("acme"), request} {
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", value)
		for _, secret := range []string{made.Key, token.AccessToken, token.RefreshToken, sharedSecret} {
			same(t, strings.Contains(logged.String(), secret), false)
		}
	}
	same(t, strings.Contains(made.String()+token.String()+issuer("acme").String()+request.String(), "(hidden)"), true)
}
