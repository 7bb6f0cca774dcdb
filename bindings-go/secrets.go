package tenantry

import (
	"fmt"
	"log/slog"
)

// How values that hold a secret print, in every verb and in logs. encoding/json writes them whole: it is how they are
// handed on.

func hide(secret *string) {
	if *secret != "" {
		*secret = "(hidden)"
	}
}

func printed(state fmt.State, verb rune, shown any) {
	fmt.Fprintf(state, fmt.FormatString(state, verb), shown)
}

// Format prints the record without the key.
func (k NewAPIKey) Format(state fmt.State, verb rune) {
	type newAPIKey NewAPIKey
	hide(&k.Key)
	printed(state, verb, newAPIKey(k))
}

// String is the record without the key.
func (k NewAPIKey) String() string { return fmt.Sprint(k) }

// LogValue is the record without the key.
func (k NewAPIKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Format prints everything but the tokens.
func (t AccessToken) Format(state fmt.State, verb rune) {
	type accessToken AccessToken
	hide(&t.AccessToken)
	hide(&t.RefreshToken)
	printed(state, verb, accessToken(t))
}

// String is everything but the tokens.
func (t AccessToken) String() string { return fmt.Sprint(t) }

// LogValue is everything but the tokens.
func (t AccessToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Format prints everything but the secret.
func (s IssuerSpec) Format(state fmt.State, verb rune) {
	type issuerSpec IssuerSpec
	hide(&s.Secret)
	printed(state, verb, issuerSpec(s))
}

// String is everything but the secret.
func (s IssuerSpec) String() string { return fmt.Sprint(s) }

// LogValue is everything but the secret.
func (s IssuerSpec) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format prints everything but the credentials.
func (r TokenRequest) Format(state fmt.State, verb rune) {
	type tokenRequest TokenRequest
	hide(&r.APIKey)
	hide(&r.RefreshToken)
	printed(state, verb, tokenRequest(r))
}

// String is everything but the credentials.
func (r TokenRequest) String() string { return fmt.Sprint(r) }

// LogValue is everything but the credentials.
func (r TokenRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Format prints no more than that something is presented.
func (p Presented) Format(state fmt.State, verb rune) { printed(state, 's', p.String()) }

// String shows nothing of what is presented.
func (p Presented) String() string { return "Presented(hidden)" }
