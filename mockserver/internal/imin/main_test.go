package imin

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets the collector run less often: these tests make much garbage and hold little,
// and a fifth of their time was spent on it.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
