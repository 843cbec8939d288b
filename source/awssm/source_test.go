package awssm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/awssm"
	"github.com/keyfit/keyfit/source/awssm/awssmtest"
)

// The AWS credentials with which the tests sign.
const (
	accessKey    = "AKIACANARYACCESSKEY1"
	awsSecretKey = "CANARYAWSSECRETKEYCANARYAWSSECRETKEY1234"
	sessionToken = "CANARYSESSIONTOKENCANARY"
)

// newClient returns a client of the AWS SDK without a network, so that a synctest bubble skips
// the waits between retries.
func newClient(transport http.RoundTripper, change ...func(*secretsmanager.Options)) *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: awsSecretKey, SessionToken: sessionToken}, nil
		}),
	}, change...)
}

func newSource(t *testing.T, client awssm.Client, cfg awssm.Config) *awssm.Source {
	t.Helper()
	cfg.Secret = "app"
	src, err := awssm.New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// shown is an offer as a test compares it: with the keys in the clear, and the names of the
// versions instead of their ids.
type shown struct{ ID, Key, Version, Expires, Issued string }

func show(c keyfit.Credential, names map[string]string) shown {
	s := shown{ID: c.ID.Reveal(), Key: c.Key.Reveal(), Version: names[c.Version]}
	if !c.Expires.IsZero() {
		s.Expires = c.Expires.Format(time.DateOnly)
	}
	if !c.Issued.IsZero() {
		s.Issued = c.Issued.Format(time.DateOnly)
	}
	return s
}

func TestTheLabelsAreTheStatesOfTheKey(t *testing.T) {
	t.Parallel()
	type put struct {
		text   string
		stages []string
	}
	tests := map[string]struct {
		puts                       []put
		config                     awssm.Config
		current, previous, pending shown
	}{
		"one version":    {puts: []put{{text: "k1"}}, current: shown{Key: "k1", Version: "v1"}},
		"two versions":   {puts: []put{{text: "k1"}, {text: "k2"}}, current: shown{Key: "k2", Version: "v2"}, previous: shown{Key: "k1", Version: "v1"}},
		"three versions": {puts: []put{{text: "k1"}, {text: "k2"}, {text: "k3"}}, current: shown{Key: "k3", Version: "v3"}, previous: shown{Key: "k2", Version: "v2"}},
		"a rotation is under way": {
			puts:    []put{{text: "k1"}, {text: "k2"}, {text: "k3", stages: []string{"AWSPENDING"}}},
			current: shown{Key: "k2", Version: "v2"}, previous: shown{Key: "k1", Version: "v1"}, pending: shown{Key: "k3", Version: "v3"},
		},
		"AWSPENDING was left on what is current": {
			puts:    []put{{text: "k1"}, {text: "k2", stages: []string{"AWSPENDING", "AWSCURRENT"}}},
			current: shown{Key: "k2", Version: "v2"}, previous: shown{Key: "k1", Version: "v1"},
		},
		"a label of somebody's own is nothing to us": {
			puts:    []put{{text: "k1"}, {text: "k2", stages: []string{"BLUE"}}},
			current: shown{Key: "k1", Version: "v1"},
		},
		"fields, a pair and an end": {
			puts: []put{{text: `{"key":"k1","id":"c1","not_after":"2027-01-31","user":"u"}`}, {text: `{"id":"c2","key":"k2","not_after":null}`}}, config: awssm.Config{Field: "key", IDField: "id"},
			current: shown{ID: "c2", Key: "k2", Version: "v2"}, previous: shown{ID: "c1", Key: "k1", Version: "v1", Expires: "2027-01-31"},
		},
		"an end of another name, with a time": {
			puts: []put{{text: `{"key":"k1","ends":"2027-01-31T12:00:00Z"}`}}, config: awssm.Config{Field: "key", ExpiresField: "ends"},
			current: shown{Key: "k1", Version: "v1", Expires: "2027-01-31"},
		},
		"the day of issue, and one of another name": {
			puts: []put{{text: `{"key":"k1","issued_at":"2026-01-31","born":"2026-02-28"}`}}, config: awssm.Config{Field: "key"},
			current: shown{Key: "k1", Version: "v1", Issued: "2026-01-31"},
		},
		"a day of issue of another name": {
			puts: []put{{text: `{"key":"k1","issued_at":"2026-01-31","born":"2026-02-28"}`}}, config: awssm.Config{Field: "key", IssuedField: "born"},
			current: shown{Key: "k1", Version: "v1", Issued: "2026-02-28"},
		},
		"what is wrong with the others does not hide the current one": {
			puts: []put{{text: "no JSON"}, {text: `{"key":"k2"}`}, {text: `{"key":17}`, stages: []string{"AWSPENDING"}}}, config: awssm.Config{Field: "key"},
			current: shown{Key: "k2", Version: "v2"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, names := awssmtest.New(accessKey), map[string]string{}
			for i, p := range test.puts {
				names[fake.Put("app", p.text, p.stages...)] = fmt.Sprint("v", i+1)
			}
			offer, err := newSource(t, newClient(fake.Transport()), test.config).Versions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := []shown{show(offer.Current, names), show(offer.Previous, names), show(offer.Pending, names)}
			if diff := cmp.Diff([]shown{test.current, test.previous, test.pending}, got); diff != "" {
				t.Errorf("current, previous, pending (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff("AWS secret app", offer.Current.Place); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	put := func(text string, stages ...string) func(*awssmtest.Fake) {
		return func(f *awssmtest.Fake) { f.Put("app", text, stages...) }
	}
	answer := func(status int, body string) func(*awssmtest.Fake) {
		return func(f *awssmtest.Fake) {
			f.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
				return true
			})
		}
	}
	refuse := func(code string) func(*awssmtest.Fake) {
		return answer(http.StatusBadRequest, `{"__type":"`+code+`","message":"secret words"}`)
	}
	tests := map[string]struct {
		setUp  func(*awssmtest.Fake)
		config awssm.Config
		client func(*secretsmanager.Options)
		noKey  bool
		want   string
	}{
		"no such secret": {
			setUp: func(*awssmtest.Fake) {}, noKey: true,
			want: "ResourceNotFoundException: there is no such secret in this account and region, or it has no AWSCURRENT version (no key)",
		},
		"no version is current": {
			setUp: put("k1", "AWSPENDING"), noKey: true,
			want: "ResourceNotFoundException: there is no such secret in this account and region, or it has no AWSCURRENT version (no key)",
		},
		"marked for deletion":    {setUp: func(f *awssmtest.Fake) { f.Put("app", "k1"); f.Delete("app") }, want: "InvalidRequestException: the secret is marked for deletion, or a service manages it: restore it, or use another one"},
		"no permission":          {setUp: refuse("AccessDeniedException"), want: "AccessDeniedException: allow secretsmanager:GetSecretValue on the secret, and kms:Decrypt if it has its own key"},
		"no permission for kms":  {setUp: refuse("DecryptionFailure"), want: "DecryptionFailure: allow kms:Decrypt on the key of the secret, and check that the key is enabled"},
		"credentials that ended": {setUp: refuse("ExpiredTokenException"), want: "ExpiredTokenException: the AWS credentials are missing, wrong or expired, or the clock is wrong"},
		"credentials of nobody": {
			setUp: put("k1"), client: func(o *secretsmanager.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, nil
				})
			},
			want: "UnrecognizedClientException: the AWS credentials are missing, wrong or expired, or the clock is wrong",
		},
		"no credentials": {
			setUp: put("k1"), client: func(o *secretsmanager.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{}, errors.New("secret words")
				})
			},
			want: "the request could not be created: check the credentials and the region of the AWS client",
		},
		"throttled for good": {setUp: func(f *awssmtest.Fake) { f.Throttle(99) }, want: "ThrottlingException: the service limits requests: read less often"},
		"away":               {setUp: answer(http.StatusInternalServerError, `{"__type":"InternalServiceError"}`), want: "InternalServiceError: the service is unavailable; the next read tries again"},
		"a code of tomorrow": {setUp: refuse("NewException"), want: "400, Bad Request: the service refused with an unknown code"},
		"a page":             {setUp: answer(http.StatusOK, "<html>"), want: "200, and the response is not from Secrets Manager: check the endpoint and the region"},
		"far too much":       {setUp: answer(http.StatusOK, `{"SecretString":"`+strings.Repeat("x", 2<<20)+`"}`), want: "the response is larger than the limit of 1048576 bytes"},
		"plain http": {
			setUp: put("k1"), client: func(o *secretsmanager.Options) { o.BaseEndpoint = aws.String("http://example.com") },
			want: "plain http to the service would expose the key: use https, or set Config.PlainHTTP",
		},
		"binary":                         {setUp: answer(http.StatusOK, `{"Name":"app","SecretBinary":"azE="}`), want: "the secret is binary or empty: store it as text (SecretString)"},
		"empty":                          {setUp: put(" "), want: "the secret is empty"},
		"JSON, and no field":             {setUp: put(`{"key":"k1"}`), want: "the secret is a JSON object: set Config.Field to the field that holds the key"},
		"a field, and no JSON":           {setUp: put("k1"), config: awssm.Config{Field: "key"}, want: `the secret is not a JSON object, so it has no field "key"`},
		"another field":                  {setUp: put(`{"token":"k1","user":"u"}`), config: awssm.Config{Field: "key"}, want: `the secret has no field "key" (it has 2 fields)`},
		"the field is no string":         {setUp: put(`{"key":12345678}`), config: awssm.Config{Field: "key"}, want: `field "key" of the secret is not a string`},
		"the field is null":              {setUp: put(`{"key":null}`), config: awssm.Config{Field: "key"}, want: `field "key" of the secret is not a string`},
		"the field is empty":             {setUp: put(`{"key":""}`), config: awssm.Config{Field: "key"}, want: `field "key" of the secret is empty`},
		"half a pair":                    {setUp: put(`{"key":"k1"}`), config: awssm.Config{Field: "key", IDField: "id"}, want: `the secret has no field "id" (it has 1 fields)`},
		"an end that is no date":         {setUp: put(`{"key":"k1","not_after":"soon"}`), config: awssm.Config{Field: "key"}, want: `"not_after" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`},
		"a day of issue that is no date": {setUp: put(`{"key":"k1","issued_at":2026}`), config: awssm.Config{Field: "key"}, want: `"issued_at" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`},
		"a service that is not there":    {setUp: func(*awssmtest.Fake) {}, client: func(o *secretsmanager.Options) { o.HTTPClient = &http.Client{Transport: away{}} }, want: "the service is not reachable: the line is cut"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := awssmtest.New(accessKey)
				test.setUp(fake)
				var change []func(*secretsmanager.Options)
				if test.client != nil {
					change = append(change, test.client)
				}
				test.config.Timeout = 5 * time.Minute // long enough for all retries of the client
				_, err := newSource(t, newClient(fake.Transport(), change...), test.config).Versions(t.Context())
				if diff := cmp.Diff("AWS secret app: "+test.want, fmt.Sprint(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if got := errors.Is(err, keyfit.ErrNoKey); got != test.noKey {
					t.Errorf("is ErrNoKey: %v, want %v", got, test.noKey)
				}
			})
		})
	}
}

type away struct{}

func (away) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the line is cut")
}

func TestAConfigurationThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	client := newClient(away{})
	tests := map[string]struct {
		client awssm.Client
		cfg    awssm.Config
		want   string
	}{
		"no client":          {nil, awssm.Config{Secret: "app"}, "the Secrets Manager source needs a client: use secretsmanager.NewFromConfig"},
		"no secret":          {client, awssm.Config{}, "the Secrets Manager source needs the name or the ARN of a secret"},
		"an id without key":  {client, awssm.Config{Secret: "app", IDField: "id"}, "the Secrets Manager source has IDField but no Field for the key"},
		"a negative timeout": {client, awssm.Config{Secret: "app", Timeout: -1}, "the timeout of a Secrets Manager source must not be negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := awssm.New(test.client, test.cfg)
			if diff := cmp.Diff(test.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAQuestionIsOneRequestForEachLabel(t *testing.T) {
	t.Parallel()
	fake := awssmtest.New(accessKey)
	fake.Put("app", "k1")
	src := newSource(t, newClient(fake.Transport()), awssm.Config{})
	if _, err := src.Credential(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Versions(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GetSecretValue app AWSCURRENT",
		"GetSecretValue app AWSCURRENT", "GetSecretValue app AWSPREVIOUS", "GetSecretValue app AWSPENDING",
	}
	if diff := cmp.Diff(want, fake.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAThrottledRequestIsRepeatedWithinTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := awssmtest.New(accessKey)
		fake.Put("app", "k1")
		fake.Throttle(2)
		src := newSource(t, newClient(fake.Transport()), awssm.Config{Timeout: time.Minute})
		if _, err := src.Credential(t.Context()); err != nil {
			t.Error(err)
		}
		fake.Intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		began := time.Now()
		if _, err := src.Credential(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a service that does not answer: got %v", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it was given up after %s, want 1m", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := src.Credential(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %v", err)
		}
	})
}
