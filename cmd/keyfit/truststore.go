package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/keyfit/keyfit/internal/privatefile"
)

// trustStorePassword is Java's own for a store of certificates: it protects nothing.
const trustStorePassword = "changeit"

// writeTrustStore writes the mock's CA and the system's CAs as a trust store of Java, in
// PKCS #12, beside the file of the CA. It replaces what a program in Java trusts.
func (m *localMock) writeTrustStore() error {
	if m.caFile == "" {
		return nil
	}
	var entries []pkcs12.TrustStoreEntry
	for name, text := range map[string][]byte{"keyfit mock": m.srv.CAPEM(), "system": systemCAs("")} {
		for i, cert := range certificates(text) {
			entries = append(entries, pkcs12.TrustStoreEntry{Cert: cert, FriendlyName: name + " " + strconv.Itoa(i+1)}) // each has a name of its own
		}
	}
	store, err := pkcs12.Modern.EncodeTrustStoreEntries(entries, trustStorePassword)
	if err != nil {
		return fmt.Errorf("trust store: %w", err)
	}
	path, err := filepath.Abs(m.caFile + ".p12") // a program may have another working directory
	if err != nil {
		return fmt.Errorf("trust store: %w", err)
	}
	if err := privatefile.Replace(path, store); err != nil { // it is no secret, but trusted
		return fmt.Errorf("trust store: %w", err)
	}
	m.trustStore = path
	return nil
}

// javaOptions are those by which a program in Java trusts the mock; "" without TLS.
func (m *localMock) javaOptions() string {
	if m.trustStore == "" {
		return ""
	}
	where := "-Djavax.net.ssl.trustStore=" + m.trustStore
	if strings.ContainsAny(where, " \t") {
		where = `"` + where + `"`
	}
	return "-Djavax.net.ssl.trustStoreType=PKCS12 " + where + " -Djavax.net.ssl.trustStorePassword=" + trustStorePassword
}

// certificates are those of a file in PEM; what is none is left out.
func certificates(text []byte) (all []*x509.Certificate) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, cert)
		}
	}
	return all
}
