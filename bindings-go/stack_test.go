package tenantry

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// deep makes the goroutine's stack grow, so that the collector will shrink it again.
func deep(levels int) int {
	var room [128]byte
	if levels == 0 {
		return len(room)
	}
	return deep(levels-1) + int(room[levels%len(room)])
}

// An empty text crosses as an empty buffer. Rust's own holds a number that is no address; on a stack that moves, Go ends
// the process for that.
func TestEmptyTextsSurviveMovingStacks(t *testing.T) {
	_, acme := open(t)
	var done atomic.Bool
	go func() {
		for !done.Load() {
			runtime.GC()
		}
	}()
	var all sync.WaitGroup
	until := time.Now().Add(3 * time.Second)
	for range 4 {
		all.Go(func() {
			for time.Now().Before(until) {
				deep(2000)
				for range 20 {
					_ = acme.Limits().Acquire(ctx, "", "", 1)
				}
			}
		})
	}
	all.Wait()
	done.Store(true)
}

func TestAnOptionMayServeManyCalls(t *testing.T) {
	_, acme := open(t)
	_, err := acme.Policies().Put(ctx, PolicySpec{Name: "no-drop", Text: `forbid (principal, action == Action::"call_tool", resource)
		when { context.tool_name == "drop" };`})
	ok(t, err)
	details := WithTool(ToolContext{Description: Ptr("what it does")})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				read, err := acme.Guard().EvaluateToolCall(ctx, "read", map[string]any{"id": 1}, details)
				ok(t, err)
				drop, err := acme.Guard().EvaluateToolCall(ctx, "drop", map[string]any{"id": 1}, details)
				ok(t, err)
				if !read.Allowed() || !drop.Denied() {
					t.Error("one call was decided as another")
				}
			}
		})
	}
	all.Wait()
}
