package keyfit_test

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets the collector run less often, except for benchmarks: these tests make much
// garbage and hold little, and a fifth of their time was spent on it.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		debug.SetGCPercent(800)
	}
	os.Exit(m.Run())
}
