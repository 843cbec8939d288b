package mockserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority is a CA made for one server, with the one certificate that it
// signed. Its key never leaves the process: a CA key that is shipped to everybody
// protects nobody.
type authority struct {
	cert *x509.Certificate
	pem  []byte
	leaf tls.Certificate
}

// newAuthority makes a CA and a certificate for loopback, the vendors' hosts and more.
func newAuthority(now time.Time, more ...string) (*authority, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mockserver: ca key: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mockserver: server key: %w", err)
	}
	// Clients check the validity against the machine's clock, which may differ
	// from a frozen mock clock: the period covers both.
	from, to := time.Unix(0, 0), now.AddDate(100, 0, 0)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "keyfit mock CA"},
		NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("mockserver: ca certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(caDER)
	if err != nil {
		return nil, fmt.Errorf("mockserver: ca certificate: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "keyfit mock"},
		NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		DNSNames: []string{
			"localhost", "*.localhost", "*.imin.co", "connector.mindkey.com", "*.imkit.io",
			"*.optimove.net", "api.iiniit.com", "www.iiniit.com",
			"imin.localhost", "mindkey.localhost", "imkit.localhost", "optimove.localhost", "iiniit.localhost",
			"*.imin.localhost", "*.mindkey.localhost", "*.imkit.localhost", "*.optimove.localhost", "*.iiniit.localhost",
		},
	}
	for _, host := range more {
		if ip := net.ParseIP(host); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
			continue
		}
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, cert, &leafKey.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("mockserver: server certificate: %w", err)
	}
	return &authority{
		cert: cert,
		pem:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
		leaf: tls.Certificate{Certificate: [][]byte{leafDER, caDER}, PrivateKey: leafKey},
	}, nil
}

func (ca *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}
