package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
)

// Keyfit is keyfit with its defaults, used through its typed calls Get[T] and Send[T].
func Keyfit() Peer {
	return Peer{Name: "keyfit", Retries: true, Retries401: true, New: func(cfg Config) (Client, error) {
		c, err := newKeyfit(cfg)
		if err != nil {
			return nil, err
		}
		return &keyfitTyped{c}, nil
	}}
}

// KeyfitHTTPClient is keyfit as an http.Client, as other libraries and generated clients use
// it. The caller does the same as with net/http.
func KeyfitHTTPClient() Peer {
	return Peer{Name: "keyfit HTTPClient()", Retries: true, Retries401: true, New: func(cfg Config) (Client, error) {
		c, err := newKeyfit(cfg)
		if err != nil {
			return nil, err
		}
		return &keyfitRaw{cfg: Config{BaseURL: cfg.BaseURL, Place: placeless}, doer: c.HTTPClient()}, nil
	}}
}

// KeyfitDo is keyfit used through Client.Do, for plain requests without an http.Client.
func KeyfitDo() Peer {
	return Peer{Name: "keyfit Do", Retries: true, Retries401: true, New: func(cfg Config) (Client, error) {
		c, err := newKeyfit(cfg)
		if err != nil {
			return nil, err
		}
		return &keyfitRaw{cfg: Config{BaseURL: cfg.BaseURL, Place: placeless}, doer: c}, nil
	}}
}

// KeyfitKnown is keyfit with a known limit. Its row is not a comparison, because the other
// libraries have no setting for a limit.
func KeyfitKnown(limit keyfit.Limit) Peer {
	p := Keyfit()
	build := p.New
	p.Name = "keyfit, limit known"
	p.New = func(cfg Config) (Client, error) {
		cfg.Limit = limit
		return build(cfg)
	}
	return p
}

func newKeyfit(cfg Config) (*keyfit.Client, error) {
	scheme := keyfit.Header(KeyHeader)
	switch cfg.Place {
	case InHeader, placeless:
	case InAuthorization:
		scheme = keyfit.Bearer()
	case InQuery:
		scheme = keyfit.Query(KeyParam)
	}
	provider := keyfit.Provider{Name: "target", BaseURL: cfg.BaseURL, Scheme: scheme, Limit: cfg.Limit}
	source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
		return keyfit.APIKey(cfg.Key()), nil
	})
	opts := []keyfit.Option{keyfit.WithoutDotEnv()}
	if cfg.Rotates {
		var ringOpts []keyfit.KeyringOption
		if cfg.Retry401 { // the counterpart in keyfit: it waits for a new key, not for a fixed time
			ringOpts = append(ringOpts, keyfit.HoldCalls(time.Second, 0))
		}
		ring, err := keyfit.NewKeyring(context.Background(), source, ringOpts...)
		if err != nil {
			return nil, err
		}
		opts = append(opts, keyfit.WithSource(ring))
	} else {
		opts = append(opts, keyfit.WithSource(source))
	}
	if cfg.Transport != nil {
		opts = append(opts, keyfit.WithHTTPClient(cfg.httpClient()))
	}
	if cfg.Log != nil {
		opts = append(opts, keyfit.WithLogger(slog.New(slog.NewTextHandler(cfg.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	if !cfg.HTTPSOnly {
		opts = append(opts, keyfit.WithAllowHTTP())
	}
	return keyfit.New(provider, opts...)
}

// thing is the body of every successful response.
type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type keyfitTyped struct{ c *keyfit.Client }

func (k *keyfitTyped) Call(ctx context.Context, method, path string, body []byte) Answer {
	var err error
	if method == http.MethodGet {
		_, err = keyfit.Get[thing](ctx, k.c, path)
	} else {
		_, err = keyfit.Send[thing](ctx, k.c, method, path, body)
	}
	if err == nil {
		return Answer{Status: http.StatusOK}
	}
	a := Answer{Err: err}
	if refused, ok := errors.AsType[*keyfit.APIError](err); ok {
		a.Status = refused.StatusCode
	}
	if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok {
		a.RetryAfter = limited.RetryAfter
	}
	return a
}

// Rotate announces a new key.
func (k *keyfitTyped) Rotate(ctx context.Context, key string) error {
	return k.c.Keys().Rotate(ctx, keyfit.APIKey(key))
}

func (k *keyfitTyped) Dump() string { return fmt.Sprintf("%+v", k.c) }

type keyfitRaw struct {
	cfg  Config
	doer interface {
		Do(req *http.Request) (*http.Response, error)
	}
}

func (k *keyfitRaw) Call(ctx context.Context, method, path string, body []byte) Answer {
	req, err := newRequest(ctx, &k.cfg, method, path, body)
	if err != nil {
		return Answer{Err: err}
	}
	return readResponse(k.doer.Do(req))
}

func (k *keyfitRaw) Dump() string { return fmt.Sprintf("%+v", k.doer) }
