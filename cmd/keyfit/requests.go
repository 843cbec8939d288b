package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) requestsCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "requests", Short: "List, follow, show, count, verify, export and wait for requests"})
	cmd.AddCommand(a.requestsList(), a.requestsTail(), a.requestsShow(), a.requestsCount(), a.requestsVerify(), a.requestsWait(), a.requestsExport(), a.requestsClear())
	return a.withAdmin(cmd)
}

func matchQuery(m *mockserver.Match) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"provider": string(m.Provider), "method": m.Method, "path": m.Path, "key": m.KeyID, "outcome": string(m.Outcome)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if m.Status != 0 {
		q.Set("status", strconv.Itoa(m.Status))
	}
	return q
}

func writeRequests(w io.Writer, items []mockserver.Exchange) {
	rows := make([][]string, 0, len(items))
	for i := range items {
		rows = append(rows, requestRow(&items[i]))
	}
	cli.Table(w, requestHead, rows)
}

const requestHead = "id\ttime\tprovider\tmethod\tpath\tstatus\toutcome\tkey"

func requestRow(x *mockserver.Exchange) []string {
	return []string{
		strconv.FormatUint(x.ID, 10), x.At.UTC().Format("15:04:05.000Z"), string(x.Provider), x.Method, x.Path,
		strconv.Itoa(x.Status), string(x.Outcome), x.KeyID,
	}
}

func (a *app) requestsList() *cobra.Command {
	var m requestMatch
	limit := 50
	cmd := &cobra.Command{
		Use: "list", Short: "List the latest requests, the newest last", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			items, err := list[mockserver.Exchange](cmd.Context(), a, a.ns("requests"), m.query(), limit)
			if err != nil {
				return err
			}
			slices.Reverse(items)
			return a.Print(items, func(w io.Writer) { writeRequests(w, items) })
		},
	}
	a.requestFlags(cmd, &m)
	flagvalue.Int(cmd.Flags(), &limit, "limit", 0, math.MaxInt, "list at most `N` requests; 0 is all that the journal keeps")
	return cmd
}

func (a *app) requestsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a request and its answer, with credentials redacted", Args: exactly("ID"), ValidArgsFunction: a.requestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var x mockserver.Exchange
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("requests", args[0]), nil, &x); err != nil {
				return err
			}
			return a.Print(x, func(w io.Writer) { writeRequest(w, &x) })
		},
	}
}

func writeRequest(w io.Writer, x *mockserver.Exchange) {
	line := x.Path
	if x.Query != "" {
		line += "?" + x.Query
	}
	_, _ = fmt.Fprintln(w, cli.Line(x.Method+" "+line))
	writeHeader(w, x.Header)
	if x.Body != "" {
		_, _ = fmt.Fprintf(w, "\n%s\n", cli.Block(x.Body))
	}
	_, _ = fmt.Fprintln(w)
	for _, row := range [][2]string{
		{"provider", string(x.Provider)},
		{"received", x.At.UTC().Format(time.RFC3339Nano)},
		{"status", strconv.Itoa(x.Status)},
		{"outcome", string(x.Outcome)},
		{"why", x.Diagnosis.Why},
		{"key", x.KeyID},
		{"fault", x.Fault},
		{"duration", duration(x.Duration)},
	} {
		if row[1] != "" {
			_, _ = fmt.Fprintf(w, "%-9s %s\n", row[0], cli.Line(row[1]))
		}
	}
	if len(x.ResponseHeader) > 0 || x.ResponseBody != "" {
		_, _ = fmt.Fprintf(w, "\n%d %s\n", x.Status, http.StatusText(x.Status))
		writeHeader(w, x.ResponseHeader)
	}
	if x.ResponseBody != "" {
		_, _ = fmt.Fprintf(w, "\n%s\n", cli.Block(x.ResponseBody))
	}
}

// duration is a duration for people; "" for none.
func duration(d mockserver.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func writeHeader(w io.Writer, header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[name] {
			_, _ = fmt.Fprintln(w, cli.Line(name+": "+v))
		}
	}
}

func (a *app) requestsTail() *cobra.Command {
	var m requestMatch
	cmd := &cobra.Command{
		Use: "tail", Short: "Print requests as they arrive, until Ctrl-C", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			res, err := c.Send(ctx, http.MethodGet, a.ns("requests", "stream")+"?"+m.query().Encode(), nil)
			if err != nil {
				return err
			}
			defer func() { _ = res.Body.Close() }() // read to its end
			return a.follow(ctx, res.Body)
		},
	}
	a.requestFlags(cmd, &m)
	return cmd
}

// follow prints server-sent events, one line each, or the JSON unchanged, until ctx ends or
// the mock does.
func (a *app) follow(ctx context.Context, body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 4<<20)
	event := ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			event = value
		case name == "data" && event == "missed":
			a.Notice("some requests arrived faster than they could be printed: %s", value)
		case name == "data" && a.JSON:
			if _, err := fmt.Fprintln(a.Out, value); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		case name == "data":
			var x mockserver.Exchange
			if err := json.Unmarshal([]byte(value), &x); err != nil {
				return unlessInterrupted(ctx, fmt.Errorf("an event cannot be read: %w", err))
			}
			if _, err := fmt.Fprintln(a.Out, cli.Line(x.String())); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return unlessInterrupted(ctx, fmt.Errorf("the stream was interrupted: %w", err))
	}
	if ctx.Err() == nil {
		a.Notice("the mock has ended")
	}
	return nil
}

// unlessInterrupted drops an error that Ctrl-C has caused: the mock lives on.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = nil
	}
	return err
}

func (a *app) requestsCount() *cobra.Command {
	var m requestMatch
	var n times
	cmd := &cobra.Command{
		Use: "count", Short: "Count requests exactly, including those that the journal has dropped", Args: exactly(),
		Example: "  keyfit requests count --outcome rate_limited --expect 1\n  keyfit requests count --path '/rooms/*' --between 2:4",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := n.bounds(cmd.Flags().Changed); err != nil {
				return err
			}
			c, err := a.count(cmd.Context(), m)
			if err != nil {
				return err
			}
			if err := a.Print(c, func(w io.Writer) { writeCounts(w, c) }); err != nil {
				return err
			}
			err = n.met(c, cmd.Flags().Changed)
			if c.Total == 0 {
				err = a.hinted(cmd.Context(), &m, err)
			}
			return err
		},
	}
	a.requestFlags(cmd, &m)
	n.add(cmd.Flags())
	return cmd
}

func (a *app) count(ctx context.Context, m requestMatch) (*mockserver.Counts, error) {
	var c mockserver.Counts
	err := a.do(ctx, http.MethodPost, a.ns("requests", "count"), map[string]any{"match": m}, &c)
	return &c, err
}

// hinted adds to the error for no requests which other outcomes such requests had.
func (a *app) hinted(ctx context.Context, m *requestMatch, err error) error {
	if err == nil || m.Outcome == "" {
		return err
	}
	whole := *m
	whole.Outcome = ""
	all, countErr := a.count(ctx, whole)
	if countErr != nil {
		return err
	}
	if others := elsewhere(m, all); others != "" {
		return fmt.Errorf("%w; with other outcomes: %s", err, others)
	}
	return err
}

func writeCounts(w io.Writer, c *mockserver.Counts) {
	_, _ = fmt.Fprintf(w, "%-20s %d\n", "total", c.Total)
	for _, o := range mockserver.Outcomes() {
		if n := c.ByOutcome[o]; n > 0 {
			_, _ = fmt.Fprintf(w, "%-20s %d\n", o, n)
		}
	}
	if c.Folded > 0 {
		_, _ = fmt.Fprintf(w, "%-20s %d\n", "perhaps", c.Folded)
	}
}

func (a *app) requestsWait() *cobra.Command {
	var m requestMatch
	n, timeout := 1, 30*time.Second
	cmd := &cobra.Command{
		Use: "wait", Short: "Wait until requests have arrived; fail after --timeout", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out struct {
				Reached bool              `json:"reached"`
				Counts  mockserver.Counts `json:"counts"`
			}
			in := map[string]any{"match": m, "n": n, "timeout": mockserver.Duration(timeout)}
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("requests", "wait"), in, &out); err != nil {
				return err
			}
			if !out.Reached {
				return fmt.Errorf("%d of %d requests arrived within %s", out.Counts.Total, n, timeout)
			}
			return a.Print(out.Counts, func(w io.Writer) { writeCounts(w, &out.Counts) })
		},
	}
	a.requestFlags(cmd, &m)
	flagvalue.Int(cmd.Flags(), &n, "count", 1, math.MaxInt, "wait for `N` requests")
	flagvalue.Duration(cmd.Flags(), &timeout, "timeout", 1, 5*time.Minute, "wait at most this `time`, up to 5m")
	return cmd
}

func (a *app) requestsClear() *cobra.Command {
	return &cobra.Command{
		Use: "clear", Short: "Delete requests and counts", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.do(cmd.Context(), http.MethodDelete, a.ns("requests"), nil, nil)
		},
	}
}
