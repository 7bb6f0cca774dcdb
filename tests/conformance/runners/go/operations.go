//go:build tenantry_test_hooks

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tenantry/tenantry-go"
)

func (w *world) do(step step) (any, error) {
	client := w.client
	accounts, projects := client.Admin().Accounts(), client.Admin().Projects()
	a, facts := as[list](step.With), as[tenantry.TenantFacts](step.With)
	if answer := (operations{
		"accounts.create":  func() (any, error) { return accounts.Create(ctx, a.ID, facts) },
		"accounts.ensure":  func() (any, error) { return accounts.Ensure(ctx, a.ID, facts) },
		"accounts.get":     func() (any, error) { return accounts.Get(ctx, a.ID) },
		"accounts.list":    func() (any, error) { return items(accounts.List(ctx)) },
		"accounts.suspend": func() (any, error) { return accounts.Suspend(ctx, a.ID) },
		"accounts.resume":  func() (any, error) { return accounts.Resume(ctx, a.ID) },
		"accounts.delete":  func() (any, error) { return nil, accounts.Delete(ctx, a.ID) },
		"projects.create":  func() (any, error) { return projects.Create(ctx, a.Account, a.ID, facts) },
		"projects.ensure":  func() (any, error) { return projects.Ensure(ctx, a.Account, a.ID, facts) },
		"projects.get":     func() (any, error) { return projects.Get(ctx, a.Account, a.ID) },
		"projects.list":    func() (any, error) { return items(projects.List(ctx, a.Account)) },
		"projects.suspend": func() (any, error) { return projects.Suspend(ctx, a.Account, a.ID) },
		"projects.resume":  func() (any, error) { return projects.Resume(ctx, a.Account, a.ID) },
		"projects.delete":  func() (any, error) { return nil, projects.Delete(ctx, a.Account, a.ID) },
		"tenant":           func() (any, error) { return named(client.Tenant(ctx, a.Account, a.Project)) },
		"advance":          func() (any, error) { tenantry.TestAdvance(time.Duration(a.Ms) * time.Millisecond); return nil, nil },
		"panic_next":       func() (any, error) { tenantry.TestPanicNext(); return nil, nil },
		"close":            func() (any, error) { return nil, client.Close() },
	}[step.Do]); answer != nil {
		return answer()
	}
	tenant := w.held[step.Held]
	if answer := w.credentials(tenant, a, step.With)[step.Do]; answer != nil {
		return answer()
	}
	var err error
	if tenant == nil {
		tenant, err = client.Tenant(ctx, step.Tenant[0], step.Tenant[1])
	}
	if err == nil && step.As != nil {
		tenant, err = tenant.ActingAs(*step.As)
	}
	if err != nil {
		return nil, err
	}
	guard, policies, limits, settings, audit := tenant.Guard(), tenant.Policies(), tenant.Limits(), tenant.Settings(), tenant.Audit()
	request := as[tenantry.GuardRequest](step.With)
	options := func(to *tenantry.GuardRequest) {
		to.Mode, to.SessionID, to.Metadata, to.Model = request.Mode, request.SessionID, request.Metadata, request.Model
		to.Explain, to.Debug, to.Dryrun = request.Explain, request.Debug, request.Dryrun
	}
	content, tool := decision(tenantry.GuardRequest{Content: a.Content}), tenantry.WithTool(as[tenantry.ToolContext](step.With))
	answer := operations{
		"guard.evaluate": func() (any, error) { return decision(a.Request)(guard.Evaluate(ctx, a.Request)) },
		"guard.evaluate_once": func() (any, error) {
			return decision(a.Request)(guard.EvaluateOnce(ctx, a.Request, a.Key))
		},
		"guard.evaluate_prompt":   func() (any, error) { return content(guard.EvaluatePrompt(ctx, a.Content, options)) },
		"guard.evaluate_response": func() (any, error) { return content(guard.EvaluateResponse(ctx, a.Content, options)) },
		"guard.evaluate_tool_call": func() (any, error) {
			return decision(tenantry.GuardRequest{})(guard.EvaluateToolCall(ctx, a.Name, a.Arguments, options, tool))
		},
		"guard.evaluate_tool_response": func() (any, error) {
			return content(guard.EvaluateToolResponse(ctx, a.Name, a.Content, options, tool))
		},
		"guard.evaluate_file": func() (any, error) {
			return content(guard.EvaluateFile(ctx, a.Content, a.Path, *or(a.Operation, "read"), options))
		},
		"guard.detect":         func() (any, error) { return guard.Detect(ctx, request) },
		"guard.detectors":      func() (any, error) { return items(guard.Detectors(ctx)) },
		"usage.report":         func() (any, error) { return tenant.Usage().Report(ctx, a.Report) },
		"policies.put":         func() (any, error) { return policies.Put(ctx, as[tenantry.PolicySpec](step.With)) },
		"policies.attach_pack": func() (any, error) { return policies.AttachPack(ctx, a.Name) },
		"policies.remove":      func() (any, error) { return nil, policies.Remove(ctx, a.Name, a.Layer) },
		"policies.list":        func() (any, error) { return items(policies.List(ctx)) },
		"limits.set":           func() (any, error) { return nil, limits.Set(ctx, as[tenantry.LimitSpec](step.With)) },
		"limits.remove":        func() (any, error) { return nil, limits.Remove(ctx, a.ID, a.Layer) },
		"limits.list":          func() (any, error) { return items(limits.List(ctx)) },
		"limits.acquire":       func() (any, error) { return nil, limits.Acquire(ctx, a.ID, a.Key, *or(a.Cost, 1)) },
		"settings.get":         func() (any, error) { return settings.Get(ctx) },
		"settings.update":      func() (any, error) { return settings.Update(ctx, as[tenantry.SettingsPatch](step.With)) },
		"audit.query": func() (any, error) {
			query := tenantry.AuditQuery{Limit: a.Limit, Order: a.Order, Before: a.Before}
			switch since := a.Since.(type) {
			case string:
				query.Since = &since
			case float64:
				query.After = or(nil, int64(since))
			}
			return items(audit.Query(ctx, query))
		},
		"audit.head": func() (any, error) {
			answer, err := audit.Head(ctx)
			w.head = answer.String()
			return answer, err
		},
		"audit.verify": func() (any, error) {
			if a.Anchor == nil {
				return audit.Verify(ctx)
			}
			return audit.VerifyAgainst(ctx, strings.Replace(*a.Anchor, "last_head", w.head, 1))
		},
	}[step.Do]
	if answer == nil {
		return nil, fmt.Errorf("unknown operation `%s`", step.Do)
	}
	return answer()
}

// items is a page as the list that the suite has of it.
func items[T any](page tenantry.Page[T], err error) (any, error) {
	return page.Items, err
}

func named(tenant *tenantry.Tenant, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]string{"account_id": tenant.AccountID(), "project_id": tenant.ProjectID()}, nil
}

// decision is a response with what the public type makes of it; of a tool call only the arguments count as content.
func decision(asked tenantry.GuardRequest) func(*tenantry.GuardResponse, error) (any, error) {
	return func(response *tenantry.GuardResponse, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		if asked.Action == "call_tool" {
			asked.Content = ""
		}
		answer := map[string]any{
			"response": response, "allowed": response.Allowed(), "denied": response.Denied(),
			"suspended": response.Suspended(), "passed_on": response.PassedOn(asked.Content), "blocked": nil,
		}
		var blocked *tenantry.BlockedError
		if errors.As(response.Err(), &blocked) {
			answer["blocked"] = told{Code: blocked.Code, Message: blocked.Message, RetryAfterMs: blocked.RetryAfter.Milliseconds()}
		}
		return answer, nil
	}
}
