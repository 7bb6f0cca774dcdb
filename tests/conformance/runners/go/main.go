//go:build tenantry_test_hooks

// Command conformance runs case files (see tests/conformance/README.md) and prints one line of JSON per step.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tenantry/tenantry-go"
)

// kase is one case of a file.
type kase struct {
	ID      string
	Tenants [][2]string
	Options arguments
	Steps   []struct {
		Do     string
		Tenant *[2]string
		As     arguments
		With   arguments
	}
}

type failure struct {
	Kind         tenantry.Kind `json:"kind"`
	Code         string        `json:"code"`
	Message      string        `json:"message"`
	Help         string        `json:"help,omitempty"`
	RetryAfterMs int64         `json:"retry_after_ms,omitempty"`
}

type answered struct {
	Case string `json:"case"`
	Step int    `json:"step"`
	OK   any    `json:"ok"`
}

type failed struct {
	Case  string  `json:"case"`
	Step  int     `json:"step"`
	Error failure `json:"error"`
}

var ctx = context.Background()

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		check(err)
		var cases []kase
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		check(decoder.Decode(&cases))
		for _, one := range cases {
			run(one, out)
		}
	}
}

func run(one kase, out *json.Encoder) {
	tenantry.TestFreeze(time.UnixMicro(1767225600000000))
	options := tenantry.Options{
		InMemory: true, Deadline: 10 * time.Second, Dev: one.Options.flag("dev"), APIKey: one.Options.text("api_key"),
		AccountID: one.Options.text("account_id"), ProjectID: one.Options.text("project_id"),
		DefaultHeaders: map[string]string{},
	}
	for name, value := range one.Options.object("default_headers") {
		options.DefaultHeaders[name] = value.(string)
	}
	if deadline := one.Options.number("deadline_ms"); deadline != nil {
		options.Deadline = time.Duration(*deadline) * time.Millisecond
	}
	client, err := tenantry.Open(options)
	check(err)
	defer client.Close()
	if one.Tenants == nil {
		one.Tenants = [][2]string{{"acme", "prod"}, {"globex", "prod"}}
	}
	known := map[string]bool{}
	for _, tenant := range one.Tenants {
		if !known[tenant[0]] {
			_, err = client.Admin().Accounts().Create(ctx, tenant[0], tenantry.TenantFacts{})
			check(err)
		}
		known[tenant[0]] = true
		_, err = client.Admin().Projects().Create(ctx, tenant[0], tenant[1], tenantry.TenantFacts{})
		check(err)
	}
	var head string
	for number, step := range one.Steps {
		where := step.Tenant
		if where == nil && len(one.Tenants) > 0 {
			where = &one.Tenants[0]
		}
		answer, err := do(client, step.Do, where, step.As, step.With, &head)
		var known *tenantry.Error
		if !errors.As(err, &known) {
			check(err)
			check(out.Encode(answered{one.ID, number, answer}))
			continue
		}
		why := failure{known.Kind, known.Code, known.Message, known.Help, known.RetryAfter.Milliseconds()}
		check(out.Encode(failed{one.ID, number, why}))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}
