package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestEveryStepWorks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), &out)
	if err != nil || strings.Count(out.String(), "✓ ") != 12 {
		t.Errorf("%v\n%s", err, out.String())
	}
}
