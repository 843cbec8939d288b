package main

import (
	"context"
	"errors"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/mcpserver"
)

func (a *app) mcpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mcp", Short: "Serve a running mock to a coding agent, over the Model Context Protocol", Args: exactly(),
		Long: `mcp speaks the Model Context Protocol on stdin and stdout. Its tools issue, rotate,
revoke and expire keys, say why a request was refused, move the clock, inject faults
and list requests. It controls the mock that KEYFIT_ADMIN_URL names; under keyfit run
that is a mock of its own, with any of run's flags:

  {"command": "keyfit", "args": ["run", "--", "keyfit", "mcp"]}`,
		Example: "  keyfit run -- keyfit mcp",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mcp(cmd.Context()) },
	}
	return a.withAdmin(cmd)
}

// mcp serves until its input ends.
func (a *app) mcp(ctx context.Context) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	server := mcpserver.New(version(), client, a.namespace)
	err = server.Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(a.In), Writer: openWriter{cli.Raw(a.Out)}})
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err //nolint:wrapcheck // the SDK's own words
}

// openWriter is a writer that stays open: it is the program's output.
type openWriter struct{ io.Writer }

// Close implements io.Closer.
func (openWriter) Close() error { return nil }
