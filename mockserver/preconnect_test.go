package mockserver_test

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// A browser opens connections before it needs them.
func TestAConnectionThatHasSentNothingDoesNotDelayTheShutdown(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, origin := range []string{srv.BaseURL(mockserver.IMKIT), srv.AdminURL()} {
		u, err := url.Parse(origin)
		if err != nil {
			t.Fatal(err)
		}
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	get(t, srv.Client().Transport, srv.Keys().Issue(mockserver.Imin)) // by then the others are accepted
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 4500*time.Millisecond { // net/http waits five
		t.Errorf("took %s", took)
	}
}
