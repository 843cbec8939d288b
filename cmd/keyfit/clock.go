package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// clockState is a clock as the admin API returns it.
type clockState struct {
	Mode   string              `json:"mode"`
	Now    time.Time           `json:"now"`
	Scale  float64             `json:"scale"`
	Offset mockserver.Duration `json:"offset,omitzero"`
}

func (a *app) clockCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "clock", Short: "Show, freeze and move the mock's clock",
		Long: "The clock decides when keys expire, rate limit windows open and delays end.",
	})
	set := func(use, short string, args cobra.PositionalArgs, path string, body func(args []string) (any, error)) {
		method := http.MethodPut
		switch path {
		case "":
			method = http.MethodGet
		case "advance":
			method = http.MethodPost
		}
		cmd.AddCommand(&cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
			in, err := body(args)
			if err != nil {
				return err
			}
			where := a.ns("clock")
			if path == "advance" {
				where = a.ns("clock", "advance")
			}
			var out clockState
			if err := a.do(cmd.Context(), method, where, in, &out); err != nil {
				return err
			}
			return a.Print(out, out.write)
		}})
	}
	set("show", "Show the clock", exactly(), "", func([]string) (any, error) { return nil, nil })
	set("freeze [TIME]", "Freeze the clock, now or at a time", between(0, "TIME"), "set", func(args []string) (any, error) {
		if len(args) == 0 {
			return map[string]any{"mode": "frozen"}, nil
		}
		at, err := flagvalue.ParseTime(args[0])
		if err != nil {
			return nil, cli.At("TIME", err)
		}
		return map[string]any{"mode": "frozen", "at": at}, nil
	})
	set("advance DURATION", "Move the clock forward, by 61s, 24h or 366d", exactly("DURATION"), "advance", func(args []string) (any, error) {
		by, err := flagvalue.ParseDuration(args[0], 1, 0)
		if err != nil {
			return nil, cli.At("DURATION", err)
		}
		return map[string]any{"by": mockserver.Duration(by)}, nil
	})
	set("run [SCALE]", "Let the clock run, SCALE times as fast; 60 is a minute each second", between(0, "SCALE"), "set", func(args []string) (any, error) {
		scale := 1.0
		if len(args) > 0 {
			var err error
			if scale, err = strconv.ParseFloat(args[0], 64); err != nil || !(scale > 0 && scale <= 1e6) {
				return nil, cli.At("SCALE", &cli.ValueError{Value: args[0], Want: "a number of more than 0 and at most 1000000"})
			}
		}
		return map[string]any{"mode": "running", "scale": scale}, nil
	})
	set("real", "Follow the machine's time again", exactly(), "set", func([]string) (any, error) { return map[string]any{"mode": "real"}, nil })
	return a.withAdmin(cmd)
}

func (c *clockState) write(w io.Writer) {
	how := "the machine's time"
	switch {
	case c.Mode == "frozen":
		how = "frozen"
	case c.Mode == "running" && c.Scale != 1:
		how = fmt.Sprintf("running, %g times as fast", c.Scale)
	case c.Mode == "running":
		how = fmt.Sprintf("running, %s ahead", c.Offset)
	}
	_, _ = fmt.Fprintf(w, "%s  %s\n", c.Now.UTC().Format("2006-01-02T15:04:05.000Z"), how)
}
