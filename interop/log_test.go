package interop_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"os"
	"testing"

	"github.com/keyfit/keyfit"
)

// withoutUnsolicited drops the lines in which net/http quotes what a server sends on an idle
// connection. Only log.SetOutput reaches them: http.Transport has no logger of its own.
type withoutUnsolicited struct{ io.Writer }

func (w withoutUnsolicited) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("Unsolicited response received on idle HTTP channel")) {
		return len(line), nil
	}
	return w.Writer.Write(line)
}

// A program whose provider may send on idle connections, and may repeat the key there, keeps
// net/http's line about it out of its log.
func Example_unsolicitedResponses() {
	log.SetOutput(withoutUnsolicited{os.Stdout})
	log.SetFlags(0)
	defer log.SetOutput(os.Stderr)
	defer log.SetFlags(log.LstdFlags)

	log.Print(`Unsolicited response received on idle HTTP channel starting with "the key"; err=<nil>`)
	log.Print("other lines stay")
	// Output: other lines stay
}

// chatty is a server that answers one request, sends it back on the idle connection, and
// reports when the client has closed that.
func chatty(t *testing.T) (base string, closed <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		request := make([]byte, 4096)
		n, err := conn.Read(request)
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"+string(request[:n]))
		_, _ = conn.Read(request) // ends when the client closes, which it does after it has logged
	}()
	return "http://" + l.Addr().String(), done
}

// SECURITY.md names this line of net/http, and the writer as the way to avoid it. The
// standard logger is the whole program's: this test is not parallel.
func TestTheLineAboutUnsolicitedResponsesCanBeDropped(t *testing.T) { //nolint:paralleltest // see above
	var text bytes.Buffer
	defer log.SetOutput(log.Writer())
	for _, step := range []struct {
		name string
		to   io.Writer
		want bool // whether the line is there, with the key in it
	}{
		{"as it is", &text, true},
		{"without the line", withoutUnsolicited{&text}, false},
	} {
		text.Reset()
		log.SetOutput(step.to)
		base, closed := chatty(t)
		c := client(t, schemes()["header"], base)
		if _, err := keyfit.Get[struct{}](t.Context(), c, "/"); err != nil {
			t.Fatal(err)
		}
		<-closed
		log.SetOutput(io.Discard) // takes the logger's lock: nothing is written to text any more
		if got := leak(text.String()) != ""; got != step.want {
			t.Errorf("%s: the log has the key: %v, want %v:\n%s", step.name, got, step.want, text.String())
		}
	}
}
