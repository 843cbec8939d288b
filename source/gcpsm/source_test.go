package gcpsm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/gcpsm"
)

const secret = "projects/team/secrets/imkit"

// fake stands in for the service, over gRPC on a loopback address. It has the versions of one
// secret; a version that is "" is disabled.
type fake struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer

	mu       sync.Mutex
	versions []string
	fault    error
	damaged  bool
	requests []string
}

func (f *fake) AccessSecretVersion(_ context.Context, in *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, version, _ := strings.Cut(in.GetName(), "/versions/")
	f.requests = append(f.requests, version)
	if f.fault != nil {
		return nil, f.fault
	}
	n, err := strconv.Atoi(version)
	if version == "latest" {
		n, err = len(f.versions), nil
	}
	if name != secret || err != nil || n < 1 || n > len(f.versions) {
		return nil, status.Errorf(codes.NotFound, "Secret Version [%s] not found.", in.GetName())
	}
	data := f.versions[n-1]
	if data == "" {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in DISABLED state.", in.GetName())
	}
	sum := int64(crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli)))
	if f.damaged {
		sum++
	}
	return &secretmanagerpb.AccessSecretVersionResponse{
		Name:    fmt.Sprintf("projects/123456/secrets/imkit/versions/%d", n),
		Payload: &secretmanagerpb.SecretPayload{Data: []byte(data), DataCrc32C: &sum},
	}, nil
}

func (f *fake) put(data string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.versions = append(f.versions, data)
}

func (f *fake) fails(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = err
}

// client returns Google's client of the fake.
func (f *fake) client(t *testing.T) *secretmanager.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	secretmanagerpb.RegisterSecretManagerServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := secretmanager.NewClient(t.Context(), option.WithEndpoint(listener.Addr().String()), option.WithoutAuthentication(),
		option.WithTelemetryDisabled(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// direct is a client that calls the fake without a network.
type direct struct{ service *fake }

func (d direct) AccessSecretVersion(ctx context.Context, in *secretmanagerpb.AccessSecretVersionRequest, _ ...gax.CallOption) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	return d.service.AccessSecretVersion(ctx, in)
}

func newSource(t *testing.T, f *fake, cfg gcpsm.Config) *gcpsm.Source {
	t.Helper()
	cfg.Secret = secret
	src, err := gcpsm.New(f.client(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// shown is a key as a test compares it.
type shown struct{ ID, Key, Version, Expires, Issued string }

func show(c keyfit.Credential) shown {
	s := shown{ID: c.ID.Reveal(), Key: c.Key.Reveal(), Version: c.Version}
	if !c.Expires.IsZero() {
		s.Expires = c.Expires.UTC().Format(time.DateOnly)
	}
	if !c.Issued.IsZero() {
		s.Issued = c.Issued.UTC().Format(time.DateOnly)
	}
	return s
}

func TestTheVersionsAreTheStatesOfTheKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		versions          []string
		cfg               gcpsm.Config
		current, previous shown
		requests          []string
	}{
		"one version":         {[]string{"k1"}, gcpsm.Config{}, shown{Key: "k1", Version: "1"}, shown{}, []string{"latest"}},
		"three versions":      {[]string{"k1", "k2", "k3"}, gcpsm.Config{}, shown{Key: "k3", Version: "3"}, shown{Key: "k2", Version: "2"}, []string{"latest", "2"}},
		"the one before ends": {[]string{"k1", "", "k3"}, gcpsm.Config{}, shown{Key: "k3", Version: "3"}, shown{}, []string{"latest", "2"}},
		"an older one is set": {[]string{"k1", "k2", "k3"}, gcpsm.Config{Version: "2"}, shown{Key: "k2", Version: "2"}, shown{Key: "k1", Version: "1"}, []string{"2", "1"}},
		"fields, a pair and dates": {
			[]string{`{"key":"k1","id":"c1"}`, `{"id":"c2","key":"k2","not_after":"2027-01-31","issued_at":"2026-01-31"}`},
			gcpsm.Config{Field: "key", IDField: "id"},
			shown{ID: "c2", Key: "k2", Version: "2", Expires: "2027-01-31", Issued: "2026-01-31"},
			shown{ID: "c1", Key: "k1", Version: "1"},
			[]string{"latest", "1"},
		},
		"what is wrong with the one before": {[]string{"no JSON", `{"key":"k2"}`}, gcpsm.Config{Field: "key"}, shown{Key: "k2", Version: "2"}, shown{}, []string{"latest", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{versions: test.versions}
			got, err := newSource(t, f, test.cfg).Versions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]shown{test.current, test.previous}, []shown{show(got.Current), show(got.Previous)}); diff != "" {
				t.Errorf("current and previous (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.requests, f.requests); diff != "" || got.Current.Place != "Google Cloud secret "+secret {
				t.Errorf("%s; requests (-want +got):\n%s", got.Current.Place, diff)
			}
		})
	}
}

// What is wrong is said, in words of our own: the service and what is in between may repeat a
// secret, and a chain goes on only if there is no key.
func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	const canary = "CANARYKEYCANARY"
	say := func(code codes.Code) error { return status.Error(code, "the service says "+canary) }
	for name, test := range map[string]struct {
		fake  *fake
		cfg   gcpsm.Config
		noKey bool
		want  string
	}{
		"no such secret":       {fake: &fake{}, noKey: true, want: "NotFound: there is no such secret in this project, or it has no such version (no key)"},
		"disabled":             {fake: &fake{versions: []string{""}}, want: "FailedPrecondition: the version is disabled or destroyed: enable it, or use another one"},
		"no permission":        {fake: &fake{fault: say(codes.PermissionDenied)}, want: "PermissionDenied: grant roles/secretmanager.secretAccessor on the secret"},
		"no credentials":       {fake: &fake{fault: say(codes.Unauthenticated)}, want: "Unauthenticated: the Google credentials are missing, wrong or expired"},
		"a code of its own":    {fake: &fake{fault: say(codes.DataLoss)}, want: "DataLoss: the service refused; read why with gcloud secrets versions access"},
		"damaged":              {fake: &fake{versions: []string{canary}, damaged: true}, want: "the secret was damaged on the way: its checksum is wrong"},
		"empty":                {fake: &fake{versions: []string{" "}}, want: "the secret is empty"},
		"JSON, and no field":   {fake: &fake{versions: []string{`{"key":"` + canary + `"}`}}, want: "the secret is a JSON object: set Config.Field to the field that holds the key"},
		"a field, and no JSON": {fake: &fake{versions: []string{canary}}, cfg: gcpsm.Config{Field: "key"}, want: `the secret is not a JSON object, so it has no field "key"`},
		"no date":              {fake: &fake{versions: []string{`{"key":"` + canary + `","not_after":"` + canary + `"}`}}, cfg: gcpsm.Config{Field: "key"}, want: `"not_after" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`},
		"it does not answer":   {fake: &fake{fault: say(codes.Unavailable)}, cfg: gcpsm.Config{Timeout: 50 * time.Millisecond}, want: "no response in time: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newSource(t, test.fake, test.cfg)
			_, err := src.Versions(t.Context())
			if err == nil || errors.Is(err, keyfit.ErrNoKey) != test.noKey {
				t.Fatalf("ErrNoKey is to be %v: %v", test.noKey, err)
			}
			if diff := cmp.Diff("Google Cloud secret "+secret+": "+test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			_, ringErr := keyfit.NewKeyring(t.Context(), src)
			for _, value := range []any{err, ringErr, src, struct{ src *gcpsm.Source }{src}} {
				text := fmt.Sprintf("%v %+v %#v %s %q", value, value, value, value, value)
				raw, _ := json.Marshal(value)
				var log bytes.Buffer
				slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
				for err, ok := value.(error); ok && err != nil; err = errors.Unwrap(err) {
					text += fmt.Sprintf("%+v %#v", err, err)
				}
				if strings.Contains(text+string(raw)+log.String(), "CANARY") {
					t.Errorf("%T tells the secret: %s", value, text)
				}
			}
		})
	}
}

func TestAConfigurationThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	client := (&fake{}).client(t)
	for want, cfg := range map[string]gcpsm.Config{
		"name of a secret":     {Secret: "imkit"},
		"projects/P/secrets/S": {Secret: secret + "/versions/3"},
		"without a path":       {Secret: secret, Version: "versions/3"},
		"IDField but no Field": {Secret: secret, IDField: "id"},
		"must not be negative": {Secret: secret, Timeout: -1},
	} {
		if _, err := gcpsm.New(client, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", cfg, err, want)
		}
	}
	if _, err := gcpsm.New(nil, gcpsm.Config{Secret: secret}); err == nil {
		t.Error("no client is no error")
	}
}

// The keyring of a client follows the secret, and keeps its key while the service fails.
func TestAKeyringFollowsTheSecret(t *testing.T) {
	t.Parallel()
	f := &fake{versions: []string{"k1"}}
	ring, err := keyfit.NewKeyring(t.Context(), newSource(t, f, gcpsm.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	reload := func() {
		_, err := ring.Reload(t.Context())
		status := ring.Status()
		got = append(got, fmt.Sprint(status.Current.Version, " ", status.Source.Stale, " ", err != nil))
	}
	f.put("k2")
	reload()
	f.fails(status.Error(codes.PermissionDenied, "no"))
	reload()
	f.fails(nil)
	f.put("k3")
	reload()
	if diff := cmp.Diff([]string{"2 false false", "2 true true", "3 false false"}, got); diff != "" {
		t.Errorf("version, stale, error (-want +got):\n%s", diff)
	}
}
