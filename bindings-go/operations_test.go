package tenantry

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

func TestWhatTheTableHasBesideTheOldHandles(t *testing.T) {
	client, acme := open(t)
	problems, err := client.Admin().Problems(ctx)
	ok(t, err)
	same(t, problems.Len(), 0)
	report, err := client.Admin().Verify(ctx)
	ok(t, err)
	same(t, report.OK, true)

	_, err = acme.Policies().Put(ctx, PolicySpec{Name: "p", Text: `permit(principal, action, resource);`})
	ok(t, err)
	policy, err := acme.Policies().Get(ctx, "p", "")
	ok(t, err)
	same(t, policy.Name+" "+string(policy.Layer), "p project")
	_, err = acme.Policies().Get(ctx, "p", LayerPlatform)
	fails(t, err, ErrNotFound, "policy_not_found")

	nobody, err := client.Identity().WhoAmI(ctx)
	ok(t, err)
	same(t, nobody.Principal, nil)
	made := key(t, client)
	caller, err := client.Authenticate(ctx, Token(made.Key))
	ok(t, err)
	somebody, err := caller.Identity().WhoAmI(ctx)
	ok(t, err)
	same(t, somebody.CredentialID, made.ID)
	same(t, somebody.Principal.ID, caller.Caller().Principal.ID)
}

func TestAPageIsReadAndWrittenAsTheWireHasIt(t *testing.T) {
	_, acme := open(t)
	page, err := acme.Audit().Query(ctx, AuditQuery{})
	ok(t, err)
	same(t, page.Len() > 0, true)
	for at, row := range page.All() {
		same(t, row.Sequence, int64(at+1))
		if at == 1 {
			break
		}
	}
	text, err := json.Marshal(page)
	ok(t, err)
	var again Page[AuditRecord]
	ok(t, readAnswer(string(text), &again))
	same(t, reflect.DeepEqual(again, page), true)
}

func TestWhatCannotBeSaidToAnOperationIsRefused(t *testing.T) {
	client, acme := open(t)
	bad := "a\xffb"
	for name, call := range map[string]func() error{
		"level":    func() error { _, err := client.Admin().Accounts().Get(ctx, bad); return err },
		"argument": func() error { _, err := client.Identity().Keys().Get(ctx, bad); return err },
		"field":    func() error { _, err := client.Identity().Keys().Create(ctx, KeySpec{Name: bad}); return err },
		"list": func() error {
			_, err := client.Identity().Keys().Create(ctx, KeySpec{Name: "k", Scopes: []string{bad}})
			return err
		},
		"key": func() error {
			_, err := acme.Settings().Update(ctx, SettingsPatch{MetadataKeys: map[string]string{bad: "String"}})
			return err
		},
		"where a query starts": func() error { _, err := acme.Audit().Query(ctx, AuditQuery{Since: &bad}); return err },
		"free JSON": func() error {
			_, err := client.Identity().Issuers().Put(ctx, IssuerSpec{JWKS: map[string]any{"keys": []any{bad}}})
			return err
		},
		"principal": func() error { _, err := acme.ActingAs(Principal{ID: bad}); return err },
		"anchor":    func() error { _, err := acme.Audit().VerifyAgainst(ctx, bad); return err },
	} {
		t.Run(name, func(t *testing.T) { fails(t, call(), ErrInvalidArgument, "text_not_utf8") })
	}
	for name, jwks := range map[string]any{
		"bytes": []byte("x"), "infinity": math.Inf(1), "channel": make(chan int), "twice": json.RawMessage(`{"a":1,"a":2}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Identity().Issuers().Put(ctx, IssuerSpec{JWKS: map[string]any{"keys": jwks}})
			fails(t, err, ErrInvalidArgument, "request_invalid")
		})
	}
}

func TestWhatIsLeftOutIsNotSent(t *testing.T) {
	for text, value := range map[string]any{
		`{}`: SettingsPatch{},
		`{"redaction_originals":false,"session_ttl_seconds":0}`: SettingsPatch{RedactionOriginals: Ptr(false), SessionTTLSeconds: Ptr(int64(0))},
		`{"issuer":"","auto_provision":{"enabled":false}}`:      IdentitySettings{},
		`{"name":"k"}`:                        KeySpec{Name: "k"},
		`{"name":"p","layer":"account"}`:      policyRef{"p", LayerAccount},
		`{"id":"acme","tier":"free"}`:         accountSpec{"acme", TenantFacts{Tier: "free"}},
		`{"order":"newest","since":"7d"}`:     AuditQuery{Since: Ptr("7d"), Order: AuditNewest},
		`{"limit":0,"since":3}`:               AuditQuery{After: Ptr(int64(3)), Limit: Ptr(int64(0))},
		`{"claims":{"roles":"","scopes":""}}`: IssuerSpec{Claims: &ClaimPaths{Roles: Ptr(""), Scopes: Ptr("")}},
	} {
		written, err := json.Marshal(value)
		ok(t, err)
		same(t, string(written), text)
	}
	var worth Introspection
	ok(t, json.Unmarshal([]byte(`{"active":true,"exp":12345678901234567890}`), &worth))
	same(t, worth.Active, true)
	same(t, worth.Claims["exp"], any(json.Number("12345678901234567890")))
	text, err := json.Marshal(worth)
	ok(t, err)
	same(t, string(text), `{"active":true,"exp":12345678901234567890}`)
}
