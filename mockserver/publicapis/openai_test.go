package publicapis

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keyfit/keyfit/mockserver"
)

const openAI mockserver.Provider = "openai"

// openAIClient is the public client with base URL and key.
func openAIClient(srv *mockserver.Server, key string, opts ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{option.WithBaseURL(srv.BaseURL(openAI) + "/v1/"), option.WithAPIKey(key), option.WithMaxRetries(0)}, opts...)...)
}

func chat(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "gpt-4o-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

// openAIRefusal is the client's own error.
func openAIRefusal(t *testing.T, err error) refused {
	t.Helper()
	e, ok := errors.AsType[*openai.Error](err)
	if !ok {
		t.Errorf("%v is not the client's error", err)
		return refused{}
	}
	return refused{e.StatusCode, e.Type + "/" + e.Code, e.Message}
}

func TestTheClientOfOpenAIGetsTypedAnswers(t *testing.T) {
	t.Parallel()
	srv := start(t, openAI, mockserver.WithFrozenClock(epoch))
	c := openAIClient(srv, srv.Keys().Issue(openAI).Secret.Reveal())
	var res *http.Response
	models, err := c.Models.List(t.Context(), option.WithResponseInto(&res))
	if err != nil || len(models.Data) != 2 || models.Data[0].ID != "gpt-4o-mini" || models.Data[0].OwnedBy != "system" {
		t.Fatalf("%v %+v", err, models)
	}
	want := map[string]string{
		"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1m0s",
		"x-request-id": "req_000000000001", "openai-version": "2020-10-01",
	}
	got := make(map[string]string)
	for name := range want {
		got[name] = res.Header.Get(name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("headers (-want +got):\n%s", d)
	}
	answer, err := c.Chat.Completions.New(t.Context(), chat(`a "word"`))
	if err != nil || answer.Choices[0].Message.Content != `You said: a "word"` || answer.Usage.TotalTokens != 14 || answer.Created != epoch.Unix() {
		t.Errorf("%v %+v", err, answer)
	}
	var text strings.Builder
	stream := c.Chat.Completions.NewStreaming(t.Context(), chat("hello"))
	finish := ""
	for stream.Next() {
		choice := stream.Current().Choices[0]
		text.WriteString(choice.Delta.Content)
		finish += choice.FinishReason
	}
	if err := stream.Err(); err != nil || text.String() != "Hello there." || finish != "stop" {
		t.Errorf("%v %q %q", err, text.String(), finish)
	}
	if _, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{}); openAIRefusal(t, err).Status != 400 {
		t.Errorf("without a model: %v", err)
	}
}

func TestTheClientOfOpenAISaysWhyAKeyIsRefused(t *testing.T) {
	t.Parallel()
	srv := start(t, openAI)
	for name, tt := range map[string]struct {
		end  func(key mockserver.Issued) error
		want refused
	}{
		"expired":   {func(k mockserver.Issued) error { return srv.Keys().Expire(k.ID) }, refused{401, "invalid_request_error/invalid_api_key", "The API key has expired."}},
		"revoked":   {func(k mockserver.Issued) error { return srv.Keys().Revoke(k.ID, "") }, refused{401, "invalid_request_error/invalid_api_key", "The API key was deleted."}},
		"suspended": {func(k mockserver.Issued) error { return srv.Keys().Suspend(k.ID) }, refused{401, "invalid_request_error/account_deactivated", "The project is inactive."}},
	} {
		key := srv.Keys().Issue(openAI)
		if err := tt.end(key); err != nil {
			t.Fatal(err)
		}
		c := openAIClient(srv, key.Secret.Reveal())
		_, err := c.Models.List(t.Context())
		if d := cmp.Diff(tt.want, openAIRefusal(t, err)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for _, wrong := range []string{"sk-proj-wrong", otherRun(t, openAI).Secret.Reveal()} {
		c := openAIClient(srv, wrong)
		_, err := c.Models.List(t.Context())
		if d := cmp.Diff(refused{401, "invalid_request_error/invalid_api_key", "Incorrect API key provided."}, openAIRefusal(t, err)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	narrow := openAIClient(srv, srv.Keys().Issue(openAI, mockserver.Scopes("api.model.read")).Secret.Reveal())
	if _, err := narrow.Models.Get(t.Context(), "gpt-4o-mini"); err != nil {
		t.Error(err)
	}
	_, err := narrow.Chat.Completions.New(t.Context(), chat("hello"))
	if d := cmp.Diff(refused{403, "invalid_request_error/missing_scope", "You have insufficient permissions for this operation. Missing scopes: model.request."}, openAIRefusal(t, err)); d != "" {
		t.Errorf("scope (-want +got):\n%s", d)
	}
}

// TestTheClientOfOpenAIWaitsAsItIsTold: the client's own retry, and the mock's clock, run on
// the time of the bubble.
func TestTheClientOfOpenAIWaitsAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := start(t, openAI, mockserver.WithLimit(openAI, mockserver.Limit{Requests: 1, Per: 20 * time.Second}))
		count := &transport{next: srv.Transport()}
		c := openai.NewClient(option.WithBaseURL("http://openai.localhost/v1/"), option.WithAPIKey(srv.Keys().Issue(openAI).Secret.Reveal()),
			option.WithHTTPClient(&http.Client{Transport: count}), option.WithMaxRetries(1))
		began := time.Now()
		for range 2 {
			if _, err := c.Models.List(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(began); waited < 20*time.Second || waited > 21*time.Second || count.sent != 3 {
			t.Errorf("%d requests in %s", count.sent, waited)
		}
		_, err := c.Models.List(t.Context(), option.WithMaxRetries(0))
		if d := cmp.Diff(refused{429, "requests/rate_limit_exceeded", "Rate limit reached for requests. Please try again in 20s."}, openAIRefusal(t, err)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if e, ok := errors.AsType[*openai.Error](err); !ok || e.Response.Header.Get("Retry-After") != "20" || e.Response.Header.Get("x-ratelimit-remaining-requests") != "0" {
			t.Errorf("%v", err)
		}
	})
}

func TestAKeyOfOpenAIIsRotatedWithOverlap(t *testing.T) {
	t.Parallel()
	srv := start(t, openAI, mockserver.WithFrozenClock(epoch))
	old := srv.Keys().Issue(openAI)
	next, err := srv.Keys().Rotate(old.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	before, after := openAIClient(srv, old.Secret.Reveal()), openAIClient(srv, next.Secret.Reveal())
	for _, c := range []openai.Client{before, after} {
		if _, err := c.Models.List(t.Context()); err != nil {
			t.Errorf("within the overlap: %v", err)
		}
	}
	srv.Clock().Advance(time.Hour)
	if _, err := before.Models.List(t.Context()); openAIRefusal(t, err).Status != 401 {
		t.Errorf("the old key after the overlap: %v", err)
	}
	if _, err := after.Models.List(t.Context()); err != nil {
		t.Error(err)
	}
}
