package keyfit

import (
	"context"
	"net/http"
	"time"
)

type hint struct {
	wait    time.Duration
	said    bool
	source  string
	dropped []string
}

func parseHint(h http.Header, body []byte, field string, now time.Time) hint { return hint{} }
func teach(h http.Header, out *Outcome)                                      {}
func NewGate(Limit) Gate                                                     { return passGate{} }

type passGate struct{}

func (passGate) Enter(ctx context.Context, e Entry) (func(Outcome), error) {
	return func(Outcome) {}, ctx.Err()
}
