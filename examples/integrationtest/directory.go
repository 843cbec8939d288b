// Package integrationtest shows how to test code that uses keyfit against the mock server.
// Directory stands for a small part of your program; its test is in directory_test.go.
package integrationtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/keyfit/keyfit"
)

// Directory lists the users of an IMKIT application.
type Directory struct{ imkit *keyfit.Client }

// NewDirectory returns a directory that calls through the given client. A program makes
// the client with keyfit.New(keyfit.IMKIT("your-app")); a test adds the base URL and a key
// of the mock server.
func NewDirectory(imkit *keyfit.Client) *Directory { return &Directory{imkit} }

// ErrTryLater reports that the rate limit of IMKIT is exhausted.
var ErrTryLater = errors.New("the directory is busy, try later")

type page struct {
	Result struct {
		TotalCount int `json:"totalCount"`
		Data       []struct {
			ID       string `json:"_id"`
			Nickname string `json:"nickname"`
		} `json:"data"`
	} `json:"result"`
}

// Nicknames returns the nickname of every user, keyed by user id.
func (d *Directory) Nicknames(ctx context.Context) (map[string]string, error) {
	const limit = 2
	seen := map[string]string{}
	path := func() string {
		return "/admin/clients?limit=" + strconv.Itoa(limit) + "&skip=" + strconv.Itoa(len(seen))
	}
	more := func(p page) string {
		if len(p.Result.Data) < limit || len(seen) >= p.Result.TotalCount {
			return ""
		}
		return path()
	}
	for p, err := range keyfit.Pages(ctx, d.imkit, path(), more) {
		if errors.Is(err, keyfit.ErrRateLimited) {
			return nil, fmt.Errorf("%w: %w", ErrTryLater, err)
		}
		if err != nil {
			return nil, err
		}
		for _, user := range p.Result.Data {
			seen[user.ID] = user.Nickname
		}
	}
	return seen, nil
}

// Add creates the user with the given id, or changes the nickname of an existing one.
func (d *Directory) Add(ctx context.Context, id, nickname string) error {
	_, err := keyfit.Send[struct{}](ctx, d.imkit, "POST", "/admin/clients", map[string]string{"_id": id, "nickname": nickname})
	return err
}
