//go:build tenantry_test_hooks

// Command conformance runs case files (see tests/conformance/README.md) and prints one line of JSON per step. Go's
// constructors are its structs: what a case gives is read into the public ones, by their tags.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/tenantry/tenantry-go"
)

type kase struct {
	ID      string
	Tenants [][2]string
	Options json.RawMessage
	Steps   []step
}

type step struct {
	Do, Held, Remember string
	Tenant             *[2]string
	As                 *tenantry.Principal
	With               json.RawMessage
}

// world is what steps of one case share.
type world struct {
	client *tenantry.Client
	head   string
	held   map[string]*tenantry.Tenant
	kept   map[string]map[string]any
}

// as reads what is given as a public struct, or as the fields of an argument list.
func as[T any](given json.RawMessage) (value T) {
	if len(given) > 0 {
		must(0, json.Unmarshal(given, &value))
	}
	return value
}

type operations map[string]func() (any, error)

type told struct {
	Kind         tenantry.Kind `json:"kind,omitempty"`
	Code         string        `json:"code"`
	Message      string        `json:"message"`
	Help         string        `json:"help,omitempty"`
	RetryAfterMs int64         `json:"retry_after_ms,omitempty"`
	Policy       string        `json:"policy,omitempty"`
	Line         int           `json:"line,omitempty"`
	Column       int           `json:"column,omitempty"`
}

// list is an argument list; each operation reads its own.
type list struct {
	ID, Account, Project, Name, Content, Path, Key string
	Anchor, Operation                              *string
	Layer                                          tenantry.Layer
	Since                                          any
	Cost, Limit, Before                            *int64
	Order                                          tenantry.AuditOrder
	Ms                                             int64
	Request                                        tenantry.GuardRequest
	Report                                         tenantry.UsageReport
	Arguments                                      map[string]any
	Dev                                            *bool
	Headers                                        [][2]string
	Token, Method, Target, Peer, Hold, Credential  string
	Scopes                                         []string
	Issuer                                         tenantry.IssuerSpec
	Settings                                       tenantry.IdentitySettings
	OverlapSeconds                                 int64             `json:"overlap_seconds"`
	RequireCredentials                             *bool             `json:"require_credentials"`
	APIKey                                         string            `json:"api_key"`
	AccountID                                      string            `json:"account_id"`
	ProjectID                                      string            `json:"project_id"`
	DeadlineMs                                     *int64            `json:"deadline_ms"`
	DefaultHeaders                                 map[string]string `json:"default_headers"`
}

var ctx = context.Background()

func or[T any](given *T, absent T) *T {
	if given == nil {
		return &absent
	}
	return given
}

// must is for what cannot fail; the checker shows what it says.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	for _, path := range os.Args[1:] {
		for _, one := range as[[]kase](must(os.ReadFile(path))) {
			run(one)
		}
	}
}

func run(one kase) {
	tenantry.TestFreeze(time.UnixMicro(1767225600000000))
	options := as[list](one.Options)
	client := must(tenantry.Open(tenantry.Options{
		InMemory: true, Deadline: time.Duration(*or(options.DeadlineMs, 10_000)) * time.Millisecond, Dev: options.Dev,
		APIKey: options.APIKey, AccountID: options.AccountID, ProjectID: options.ProjectID,
		DefaultHeaders: options.DefaultHeaders, RequireCredentials: options.RequireCredentials,
	}))
	defer client.Close()
	if one.Tenants == nil {
		one.Tenants = [][2]string{{"acme", "prod"}, {"globex", "prod"}}
	}
	for _, tenant := range one.Tenants {
		if _, err := client.Admin().Accounts().Get(ctx, tenant[0]); err != nil {
			must(client.Admin().Accounts().Create(ctx, tenant[0], tenantry.TenantFacts{}))
		}
		must(client.Admin().Projects().Create(ctx, tenant[0], tenant[1], tenantry.TenantFacts{}))
	}
	world := &world{client: client, held: map[string]*tenantry.Tenant{}, kept: map[string]map[string]any{}}
	for number, step := range one.Steps {
		if step.Tenant == nil && len(one.Tenants) > 0 {
			step.Tenant = &one.Tenants[0]
		}
		line := map[string]any{"case": one.ID, "step": number}
		step.With = world.filled(step.With)
		value, err := world.do(step)
		var failure *tenantry.Error
		if errors.As(err, &failure) {
			line["error"] = told{
				failure.Kind, failure.Code, failure.Message, failure.Help, failure.RetryAfter.Milliseconds(),
				failure.Policy, failure.Line, failure.Column,
			}
		} else {
			line["ok"] = must(value, err)
			if step.Remember != "" {
				world.kept[step.Remember] = as[map[string]any](must(json.Marshal(value)))
			}
		}
		must(0, json.NewEncoder(os.Stdout).Encode(line))
	}
}
