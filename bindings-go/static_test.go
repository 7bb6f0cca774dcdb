//go:build tenantry_test_hooks

package tenantry_test

import (
	"debug/elf"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A program for an image with nothing in it: no loader, no C library, no unwinder to be found at run time.
const alone = `package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenantry/tenantry-go"
)

func main() {
	client, err := tenantry.Open(tenantry.Options{InMemory: true})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, err = client.Admin().Accounts().Create(ctx, "acme", tenantry.TenantFacts{})
	if err == nil {
		_, err = client.Admin().Projects().Create(ctx, "acme", "prod", tenantry.TenantFacts{})
	}
	if err != nil {
		panic(err)
	}
	acme, err := client.Tenant(ctx, "acme", "prod")
	if err != nil {
		panic(err)
	}
	response, err := acme.Guard().EvaluatePrompt(ctx, "hello")
	fmt.Println(response.Decision, err)
	// Unwinding is what a program without a shared unwinder could lack.
	tenantry.TestPanicNext()
	_, err = acme.Guard().EvaluatePrompt(ctx, "hello")
	fmt.Println(errors.Is(err, tenantry.ErrInternal))
	_, err = client.Tenant(ctx, "nobody", "prod")
	fmt.Println(err != nil, client.Close())
}
`

func TestItLinksStatically(t *testing.T) {
	for name, flags := range map[string][]string{
		"static":          {"-tags", "tenantry_test_hooks", "-ldflags", "-linkmode external -extldflags -static"},
		"static and bare": {"-tags", "tenantry_test_hooks,netgo,osusergo", "-trimpath", "-ldflags", "-linkmode external -extldflags -static -s -w"},
		"dynamic":         {"-tags", "tenantry_test_hooks"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := module(t, here(t), alone)
			must(t, folder, append([]string{"go", "build", "-o", "program"}, append(flags, ".")...)...)
			file, err := elf.Open(filepath.Join(folder, "program"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = file.Close() }()
			libraries, err := file.ImportedLibraries()
			loads := slices.ContainsFunc(file.Progs, func(part *elf.Prog) bool { return part.Type == elf.PT_INTERP })
			if static := name != "dynamic"; err != nil || static != (len(libraries) == 0) || static == loads {
				t.Errorf("needs %v at run time (%v)", libraries, err)
			}
			if slices.Contains(libraries, "libgcc_s.so.1") {
				t.Error("needs an unwinder that small images have not")
			}
			out, err := run(t, folder, "./program")
			// What the panic prints stands in between.
			if err != nil || !strings.HasPrefix(out, "allow <nil>\n") || !strings.HasSuffix(out, "\ntrue\ntrue <nil>\n") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
