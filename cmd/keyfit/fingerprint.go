package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keyinput"
)

func (a *app) fingerprintCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "fingerprint [-]", Short: "Print the fingerprint of a key, as logs, errors and health pages show it",
		Long: `fingerprint reads a key and prints its fingerprint: twelve hexadecimal digits, the same
that the SDK has in errors, events, logs and Keyring.Status(), that the mock lists, and
that check and rotate print. With it a key can be named, and compared with another,
without being shown.

The key is asked for without echo, or read from the standard input (-), or from --file as
the SDK reads a key file; it is never an argument. White space and quotes around it do
not count. Two lines are a pair: the client key, then the token.`,
		Example: "  keyfit fingerprint --file /run/secrets/imkit\n  vault kv get -field=key secret/imkit | keyfit fingerprint -",
		Args:    fingerprintArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			cred, err := a.readKey(ctx, len(args) > 0, file)
			if err != nil {
				return err
			}
			doc := struct {
				Fingerprint string `json:"fingerprint"`
				Pair        bool   `json:"pair,omitempty"`
			}{cred.Fingerprint(), !cred.ID.IsZero()}
			return a.Print(doc, func(w io.Writer) { _, _ = fmt.Fprintln(w, doc.Fingerprint) })
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "read the key from this `file`")
	return cmd
}

// fingerprintArgs takes - or nothing. It repeats no argument, which may be a key.
func fingerprintArgs(_ *cobra.Command, args []string) error {
	if len(args) > 1 || len(args) == 1 && args[0] != "-" {
		return cli.Usagef("the key cannot be an argument, since arguments stay in the shell's history: give - to read it from the standard input, --file, or nothing to be asked; if a real key was given here, have it replaced")
	}
	return nil
}

// readKey reads a key from a file, the standard input or the terminal, and cleans it as the SDK
// does.
func (a *app) readKey(ctx context.Context, stdin bool, file string) (keyfit.Credential, error) {
	ask := keyinput.NewPrompter(&a.Terminal)
	var lines []string
	var err error
	from := "the standard input"
	switch {
	case file != "" && stdin:
		return keyfit.Credential{}, cli.Usagef("- and --file exclude each other")
	case file != "":
		return keyOfFile(ctx, file)
	case ask == nil && !stdin:
		return keyfit.Credential{}, cli.Usagef("there is no terminal to ask at: give - to read the key from the standard input, or --file")
	case ask == nil:
		lines, err = keyinput.OrDone(ctx, func() ([]string, error) { return keyinput.Lines(a.In) })
	default:
		from, lines = "the terminal", make([]string, 1)
		lines[0], err = ask.Secret(ctx, "Key (not shown): ")
	}
	if err != nil {
		return keyfit.Credential{}, err
	}
	return keyinput.Credential(ctx, from, lines)
}

// keyOfFile reads a key as the SDK reads a key file, and a pair from a file of two lines.
func keyOfFile(ctx context.Context, file string) (keyfit.Credential, error) {
	// A pipe, which the shell makes of <(command), can be read once.
	if info, err := os.Stat(file); err != nil || info.Mode().IsRegular() {
		lines, err := keyinput.FileLines("--file", file)
		if err != nil {
			return keyfit.Credential{}, err
		}
		if len(lines) == 2 && !strings.HasPrefix(lines[0], "{") {
			return keyinput.Credential(ctx, "--file", lines)
		}
	}
	cred, err := keyfit.File(file).Credential(ctx)
	if err != nil {
		return keyfit.Credential{}, keyinput.Unplaced("--file", err)
	}
	return cred, nil
}
