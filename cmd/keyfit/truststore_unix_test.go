//go:build unix

package main

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"
)

// asksJava prints the status of a GET by Java's own client.
const asksJava = `import java.net.URI;
import java.net.http.*;
public class Ask {
	public static void main(String[] a) throws Exception {
		HttpRequest r = HttpRequest.newBuilder(URI.create(a[0])).header("X-API-KEY", a[1]).build();
		System.out.println(HttpClient.newHttpClient().send(r, HttpResponse.BodyHandlers.ofString()).statusCode());
	}
}
`

// TestTheTrustStoreHasTheCAOfTheMock reads what run gives to a program in Java. With
// KEYFIT_LONG=1, and where there is Java, a program calls the mock by it.
func TestTheTrustStoreHasTheCAOfTheMock(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "with space", "ca.pem")
	if err := os.Mkdir(filepath.Dir(ca), 0o700); err != nil {
		t.Fatal(err)
	}
	got := runKeyfit(t, nil, "run", "--tls", "--log", "off", "--providers", "imin", "--ca-file", ca, "--", "env")
	var options string
	for line := range strings.Lines(got.out) {
		if value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "JAVA_TOOL_OPTIONS="); ok {
			options = value
		}
	}
	want := `-Djavax.net.ssl.trustStoreType=PKCS12 "-Djavax.net.ssl.trustStore=` + ca + `.p12" -Djavax.net.ssl.trustStorePassword=changeit`
	if d := cmp.Diff(want, options); d != "" || got.code != 0 {
		t.Fatalf("(-want +got):\n%s\n%s", d, got.err)
	}
	store, err := os.ReadFile(ca + ".p12")
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pkcs12.DecodeTrustStore(store, "changeit")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	found := 0
	for _, c := range certs {
		if string(c.Raw) == string(block.Bytes) {
			found++
		}
	}
	if found != 1 || len(certs) != 1+len(certificates(systemCAs(""))) {
		t.Errorf("the mock's CA is there %d times, among %d certificates", found, len(certs))
	}
}

func TestAProgramInJavaTrustsTheMock(t *testing.T) {
	t.Parallel()
	if os.Getenv("KEYFIT_LONG") == "" {
		t.Skip("set KEYFIT_LONG=1 to run Java")
	}
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("java is not installed")
	}
	program := filepath.Join(t.TempDir(), "Ask.java")
	if err := os.WriteFile(program, []byte(asksJava), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runKeyfit(t, nil, "run", "--tls", "--log", "off", "--providers", "imin", "--", "sh", "-c", `java "$0" "$IMIN_BASE_URL/nowhere" "$IMIN_API_KEY"`, program)
	if got.code != 0 || strings.TrimSpace(got.out) != "404" {
		t.Errorf("%+v", got)
	}
}
