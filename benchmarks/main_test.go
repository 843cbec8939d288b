package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
	"github.com/keyfit/keyfit/benchmarks/internal/workloads"
)

func TestMain(m *testing.M) {
	if served, _ := servers.ServeIfChild(context.Background()); served {
		return
	}
	os.Exit(m.Run())
}

func TestOneWorkloadOfOnePeerIsPrinted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-only", "leaks", "-peers", "net/http"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "net/http") || strings.Contains(out.String(), "azcore") {
		t.Errorf("not the table asked for:\n%s", out.String())
	}
}

func TestAWrongCommandSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"-only weather", "storm-fixed"},
		{"-peers curl", "failsafe-go"},
		{"-write -only storm", "remove -only and -peers"},
	} {
		err := run(t.Context(), strings.Fields(test.args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want it to say %q", test.args, err, test.want)
		}
	}
}

func TestTheBeginningOfANameChooses(t *testing.T) {
	t.Parallel()
	chosen, err := chooseWorkloads("storm,post")
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) != 7 {
		t.Errorf("chose %d workloads, want six storms and post", len(chosen))
	}
}

func TestResultsArePageAndPictures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missed := report.NewBar("b")
	missed.Want(false, "too much")
	sections := []*report.Section{
		{Title: "One", Tables: []report.Table{{Bar: report.NewBar("a")}, {Bar: missed}}},
		{Title: "Two", Plots: []report.Plot{{File: "x.svg", SVG: []byte("<svg/>")}}},
	}
	if err := writeResults(dir, workloads.Full(), sections); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Of 2 bars set for keyfit, 1 held", "## One", "## Two", "plots/x.svg", "too much"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("RESULTS.md has no %q:\n%s", want, page)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "plots", "x.svg")); err != nil {
		t.Error(err)
	}
}

func TestEveryPeerHasAVersion(t *testing.T) {
	t.Parallel()
	for _, p := range peers.All() {
		if p.Module == "" {
			continue
		}
		if _, err := moduleVersion(p.Module); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}
