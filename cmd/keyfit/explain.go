package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/curl"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// explanation is what the admin API returns about a request.
type explanation struct {
	Provider  mockserver.Provider  `json:"provider"`
	Namespace string               `json:"namespace"`
	Diagnosis mockserver.Diagnosis `json:"diagnosis"`
	Answer    *struct {
		Status      int    `json:"status"`
		ContentType string `json:"contentType"`
		Body        string `json:"body"`
	} `json:"answer,omitempty"`
	Faults []string `json:"faults,omitempty"`
}

func (a *app) explainCommand() *cobra.Command {
	provider := providerValue{to: new(mockserver.Provider), later: true}
	var files []string
	cmd := &cobra.Command{
		Use: "explain [flags] -- curl ARGS", Short: "Explain why a request would be refused",
		Long: `explain takes a request as arguments of curl (-H, -X, -u, -G, -d, URL) and says what
the provider would respond and why. Nothing is sent to the provider, nothing is
recorded, no quota is used. A running mock (KEYFIT_ADMIN_URL) knows its own keys;
without one, a key is judged by its format alone, and --api names the APIs that are
known beside the five.`,
		Example: "  keyfit explain -- curl -H 'X-API-KEY: abc' https://connector.mindkey.com/ping",
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := curl.Parse(args)
			if err != nil {
				return cli.UsageError{Err: err}
			}
			apis, err := a.explainable(files)
			if err != nil {
				return err
			}
			if request.Provider, err = a.explained(cmd.Context(), provider.text, apis); err != nil {
				return err
			}
			var out explanation
			if err := a.explain(cmd.Context(), request, apis, &out); err != nil {
				return err
			}
			return a.Print(out, out.write)
		},
	}
	cmd.Flags().SetInterspersed(false)
	a.addProvider(cmd, &provider, "the `provider`, if the URL's host does not name it")
	cmd.Flags().StringArrayVar(&files, "api", nil, "without a running mock: know the API of this YAML or JSON `file` as well; may be repeated")
	return a.withAdmin(cmd)
}

// explainable reads the files of --api.
func (a *app) explainable(files []string) ([]mockserver.API, error) {
	if len(files) > 0 && a.admin.url != "" {
		return nil, cli.Usagef("--api is for explain without a running mock; the one of KEYFIT_ADMIN_URL knows its own")
	}
	s := settings{apiFiles: files}
	err := s.loadAPIs()
	return s.apis, err
}

// explained is the provider of --provider, "" if there is none.
func (a *app) explained(ctx context.Context, name string, apis []mockserver.API) (found mockserver.Provider, err error) {
	switch {
	case name == "":
		return "", nil
	case len(apis) == 0:
		found, err = a.findProvider(ctx, name)
	default:
		s := settings{apis: apis}
		var text string
		text, err = flagvalue.Find(name, names(s.known()))
		found = mockserver.Provider(text)
	}
	return found, misnamed("--provider", err)
}

// explain asks the running mock, or a new one that ends afterwards.
func (a *app) explain(ctx context.Context, in *curl.Request, apis []mockserver.API, out *explanation) error {
	if a.admin.url != "" {
		return a.put(ctx, http.MethodPost, a.ns("diagnose"), in, out)
	}
	srv, err := mockserver.NewHandler(mockserver.WithAPI(apis...))
	if err != nil {
		return err
	}
	defer func() { _ = srv.Close() }() // it has stored nothing
	url, err := srv.ListenAdmin("")
	if err != nil {
		return err
	}
	c, err := admin.NewClient(url, srv.AdminToken().Reveal(), false)
	if err != nil {
		return err
	}
	a.Notice("no mock was named (KEYFIT_ADMIN_URL), so a key is judged by its format alone")
	return c.Call(ctx, http.MethodPost, "/v1/namespaces/default/diagnose", in, out)
}

func (e *explanation) write(w io.Writer) {
	verdict := "would be accepted"
	if e.Diagnosis.Refused() {
		verdict = "would be refused: " + string(e.Diagnosis.Outcome)
	} else if e.Diagnosis.Outcome == mockserver.NotFound {
		verdict = "matches no operation"
	}
	_, _ = fmt.Fprintf(w, "%s: %s\n", cli.Line(string(e.Provider)), cli.Line(verdict))
	for _, row := range [][2]string{{"why", e.Diagnosis.Why}, {"sent", e.Diagnosis.Sent}, {"wanted", e.Diagnosis.Want}, {"key", e.Diagnosis.KeyID}} {
		if row[1] != "" {
			_, _ = fmt.Fprintf(w, "  %-8s %s\n", row[0], cli.Line(row[1]))
		}
	}
	if e.Diagnosis.RetryAfter > 0 {
		_, _ = fmt.Fprintf(w, "  %-8s %s\n", "wait", mockserver.Duration(e.Diagnosis.RetryAfter))
	}
	if e.Answer != nil {
		_, _ = fmt.Fprintf(w, "  %-8s %d %s\n", "answer", e.Answer.Status, cli.Line(strings.Join(strings.Fields(e.Answer.Body), " ")))
	}
	for _, f := range e.Faults {
		_, _ = fmt.Fprintf(w, "  %-8s %s may affect it\n", "fault", cli.Line(f))
	}
}
