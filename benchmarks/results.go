package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/workloads"
)

// writeResults writes RESULTS.md and its pictures into dir.
func writeResults(dir string, s workloads.Settings, sections []*report.Section) error {
	plots := filepath.Join(dir, "plots")
	if err := os.MkdirAll(plots, 0o755); err != nil { //nolint:gosec // published files
		return err
	}
	var page strings.Builder
	page.WriteString(preface(s, sections))
	for _, section := range sections {
		page.WriteString("\n" + section.Markdown())
		for _, p := range section.Plots {
			if err := os.WriteFile(filepath.Join(plots, p.File), p.SVG, 0o644); err != nil { //nolint:gosec // published file
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, "RESULTS.md"), []byte(page.String()), 0o644) //nolint:gosec // published file
}

func preface(s workloads.Settings, sections []*report.Section) string {
	held, all := 0, 0
	for _, section := range sections {
		for _, t := range section.Tables {
			if t.Bar != nil {
				all++
				if t.Bar.Held() {
					held++
				}
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# keyfit beside other libraries

Written by `+"`go run . -write`"+` in this folder; nothing here is edited by hand. Server and clients were on one machine
(%s, %s/%s, %d cores), over loopback. Every figure is the median of the rounds, with the least and the greatest in brackets
where they differ; rounds: %d, and %d where microseconds are measured. In a round all libraries run one after the other, each time
beginning with another one, and ratios are taken within a round. Requests, refusals and connections are counted by the server.
Of %d bars set for keyfit, %d held; where another library is ahead, its row says so.

| library | version |
| --- | --- |
`, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), s.Rounds, s.Samples, all, held)
	for _, p := range s.Peers {
		fmt.Fprintf(&b, "| %s | %s |\n", p.Name, version(p))
	}
	return b.String()
}

// version is what this program was built with.
func version(p peers.Peer) string {
	if p.Module == "" {
		if p.Name == peers.NetHTTP().Name {
			return runtime.Version()
		}
		return "this checkout"
	}
	v, err := moduleVersion(p.Module)
	if err != nil {
		return "`" + p.Module + "`"
	}
	return "`" + p.Module + "` " + v
}

func moduleVersion(path string) (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", errors.New("the program has no build information")
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version, nil
		}
	}
	return "", fmt.Errorf("the program is built without %s", path)
}
