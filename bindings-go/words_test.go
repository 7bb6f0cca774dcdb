package tenantry

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What typical mistakes read like: the same words as in every language, from tests/words.json.
func TestTypicalMistakesReadAsInEveryLanguage(t *testing.T) {
	text, err := os.ReadFile("../tests/words.json")
	ok(t, err)
	var table []struct {
		ID    string
		Do    string
		Told  string
		Given struct {
			Inside, Token, Account, Project, Name, Text, Tool string
			MetadataKeys                                      map[string]string `json:"metadata_keys"`
			Scopes                                            []string
			Request                                           GuardRequest
		}
	}
	ok(t, json.Unmarshal(text, &table))
	folder := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(folder, "file"), []byte("not a folder"), 0o600))
	for _, mistake := range table {
		t.Run(mistake.ID, func(t *testing.T) {
			client, acme := open(t)
			given := mistake.Given
			var err error
			switch mistake.Do {
			case "open":
				_, err = Open(Options{DataDir: filepath.Join(folder, given.Inside)})
			case "authenticate":
				_, err = client.Authenticate(ctx, Token(given.Token))
			case "tenant":
				_, err = client.Tenant(ctx, given.Account, given.Project)
			case "put":
				_, err = acme.Policies().Put(ctx, PolicySpec{Name: given.Name, Text: given.Text})
			case "settings":
				_, err = acme.Settings().Update(ctx, SettingsPatch{MetadataKeys: given.MetadataKeys})
			case "key":
				spec := KeySpec{Name: "bot", AccountID: "acme", ProjectID: "prod", Scopes: given.Scopes}
				_, err = client.Identity().Keys().Create(ctx, spec)
			case "evaluate":
				_, err = acme.Guard().Evaluate(ctx, given.Request)
			case "call":
				_, err = acme.Policies().Put(ctx, PolicySpec{Name: "tools", Text: given.Text})
				ok(t, err)
				var response *GuardResponse
				response, err = acme.Guard().EvaluateToolCall(ctx, given.Tool, nil)
				ok(t, err)
				err = response.Err()
			}
			if err == nil {
				t.Fatal("this is no mistake")
			}
			same(t, strings.ReplaceAll(err.Error(), folder, "{folder}"), mistake.Told)
		})
	}
}

func TestAnErrorOfAPolicysTextSaysWhereItStands(t *testing.T) {
	client, acme := open(t)
	text := "permit (principal, action, resource)\nwhen { context.tool_nmae == 1 };"
	_, err := acme.Policies().Put(ctx, PolicySpec{Name: "p", Text: text})
	failure, _ := err.(*Error)
	same(t, fmt.Sprintf("%s %d %d", failure.Policy, failure.Line, failure.Column), "p 2 16")
	_, err = client.Tenant(ctx, "nobody", "prod")
	failure, _ = err.(*Error)
	same(t, fmt.Sprintf("%s %d %d", failure.Policy, failure.Line, failure.Column), " 0 0")
}

func TestThePlanAndAbsentDetectorsAreTold(t *testing.T) {
	_, acme := open(t)
	request := GuardRequest{
		Content: "ada@example.com", ContentType: "prompt", Action: "process_prompt",
		Optimize: Ptr(true), Dryrun: Ptr(true), Detectors: []string{"toxicity", "pii"},
	}
	plan, err := acme.Guard().Evaluate(ctx, request)
	ok(t, err)
	same(t, plan.Decision, DecisionDeny)
	same(t, plan.Code+" "+strings.Join(plan.Degraded, ","), "plan_only detector_absent: toxicity")
	required := plan.Optimization.RequiredDetectors
	same(t, len(required), 1)
	same(t, required[0].Name+" "+required[0].Reason, "pii always_run")
	request.Detectors = []string{"toxicity"}
	found, err := acme.Guard().Detect(ctx, request)
	ok(t, err)
	same(t, len(found.Signals), 0)
	same(t, strings.Join(found.Degraded, ","), "detector_absent: toxicity")
}
