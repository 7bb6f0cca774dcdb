// Command bench measures one warm guard call from Go, as bench/bench.py does from Python, and prints JSON: CPU and wall
// time per call in microseconds. Built against the release archive, so that what is measured is what users get.
package main

// void tenantry_empty(void);
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"syscall"
	"time"

	"github.com/tenantry/tenantry-go"
)

const (
	calls  = 20_000
	prompt = "Could you summarise the attached quarterly report for the board, list the three largest risks with one " +
		"sentence each, and suggest which of the open questions we should settle before Friday? Thank you"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: bench path/to/twenty.cedar")
	}
	policies, err := os.ReadFile(os.Args[1])
	check(err)
	folder, err := os.MkdirTemp("", "tenantry-bench-")
	check(err)
	defer os.RemoveAll(folder)
	client, acme := open(folder, string(policies))
	defer client.Close()

	background := context.Background()
	cancellable, cancel := context.WithCancel(background)
	defer cancel()
	empty := measure(200_000, func() { C.tenantry_empty() }, func() {})
	figures := map[string][2]float64{
		"20 policies":                  guarded(acme, background),
		"20 policies, cancellable ctx": guarded(acme, cancellable),
		"empty call":                   empty,
	}
	check(json.NewEncoder(os.Stdout).Encode(figures))
}

func open(folder, policies string) (*tenantry.Client, *tenantry.Tenant) {
	ctx := context.Background()
	client, err := tenantry.Open(tenantry.Options{DataDir: folder, Deadline: 10 * time.Second})
	check(err)
	_, err = client.Admin().Accounts().Create(ctx, "acme", tenantry.TenantFacts{Tier: "enterprise"})
	check(err)
	_, err = client.Admin().Projects().Create(ctx, "acme", "prod", tenantry.TenantFacts{})
	check(err)
	acme, err := client.Tenant(ctx, "acme", "prod")
	check(err)
	_, err = acme.Policies().Put(ctx, tenantry.PolicySpec{Name: "bench", Text: policies})
	check(err)
	for _, layer := range []tenantry.Layer{tenantry.LayerProject, tenantry.LayerAccount} {
		check(acme.Limits().Set(ctx, tenantry.LimitSpec{ID: string(layer), Rate: 100_000_000, PerMs: 60_000, Layer: layer}))
	}
	return client, acme
}

// guarded measures guard calls, with the writing of their audit rows.
func guarded(acme *tenantry.Tenant, ctx context.Context) [2]float64 {
	guard, session := acme.Guard(), tenantry.WithSession("bench/s1")
	call := func() {
		_, err := guard.EvaluatePrompt(ctx, prompt, session)
		check(err)
	}
	for range calls / 10 {
		call()
	}
	before := sequence(acme)
	figures := measure(calls, call, func() {
		if rows := sequence(acme) - before; rows != calls {
			log.Fatalf("%d calls left %d audit rows", calls, rows)
		}
	})
	return figures
}

func sequence(acme *tenantry.Tenant) uint64 {
	head, err := acme.Audit().Head(context.Background())
	check(err)
	return head.Sequence
}

// measure is CPU time of the process, settling included, and wall time, per call.
func measure(count int, call, settle func()) [2]float64 {
	cpu, start := cpuMicros(), time.Now()
	for range count {
		call()
	}
	wall := time.Since(start)
	settle()
	used := cpuMicros() - cpu
	return [2]float64{used / float64(count), float64(wall.Nanoseconds()) / 1e3 / float64(count)}
}

func cpuMicros() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	micros := func(value syscall.Timeval) float64 { return float64(value.Sec)*1e6 + float64(value.Usec) }
	return micros(usage.Utime) + micros(usage.Stime)
}

func check(err error) {
	if err != nil {
		log.Fatal(fmt.Errorf("bench: %w", err))
	}
}
