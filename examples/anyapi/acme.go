package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
)

// acme describes the API for the SDK: where the key goes, what the errors mean, how long to wait.
func acme(baseURL string) keyfit.Provider {
	return keyfit.Provider{
		Name: "acme", BaseURL: baseURL, Scheme: keyfit.Header("X-Acme-Key"), EnvVar: "ACME_API_KEY",
		KeyLife: 90 * 24 * time.Hour, Probe: "/v1/items",
		WaitField: "fault.wait_seconds", RequestIDHeader: "X-Acme-Request",
		IdempotencyHeader: "X-Acme-Once", IdempotencyKeys: true,
		ReadError: readFault,
	}
}

// readFault reads Acme's errors by their number.
func readFault(status int, h http.Header, body []byte) (keyfit.Problem, bool) {
	var e struct {
		Fault struct {
			Number string `json:"number"`
			Reason string `json:"reason"`
		} `json:"fault"`
	}
	if json.Unmarshal(body, &e) != nil || e.Fault.Number == "" {
		return keyfit.ReadError(status, h, body) // a gateway's, perhaps
	}
	p := keyfit.Problem{Code: e.Fault.Number, Message: e.Fault.Reason}
	switch e.Fault.Number {
	case "A-11", "A-12", "A-13":
		p.Class = keyfit.ClassInvalidKey
	case "A-31":
		p.Class = keyfit.ClassPermission
	case "A-42":
		p.Class = keyfit.ClassRateLimit
	}
	return p, true
}

// items reads all pages.
func items(ctx context.Context, c *keyfit.Client) ([]string, error) {
	type page struct {
		Items []string
		After string
	}
	next := func(p page) string {
		if p.After == "" {
			return ""
		}
		return "/v1/items?after=" + p.After
	}
	var all []string
	for p, err := range keyfit.Pages(ctx, c, "/v1/items", next) {
		if err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
	}
	return all, nil
}

// order makes an order.
func order(ctx context.Context, c *keyfit.Client, item string) (string, error) {
	type made struct{ Number, Item string }
	got, err := keyfit.Send[made](ctx, c, http.MethodPost, "/v1/orders", map[string]string{"item": item})
	return got.Item, err
}
