// Package vault provides a [keyfit.Source] that reads a key, or a pair, from a KV version 2
// secrets engine of HashiCorp Vault or OpenBao. The two servers use the same protocol; the
// source ignores the differences in their responses.
//
// The newest version of the secret is the current key. The version before it, unless it was
// deleted or destroyed, is the previous key. The open editions of the servers do not push
// changes, so [keyfit.Keyring.Watch] polls.
//
// The source logs in again when 70 % of the lifetime of a token from [AppRole] or another
// login has passed, and once if the server refuses a token. Nothing runs between two reads:
// there is no goroutine to stop.
//
// The package is a separate module, so that other programs do not depend on the Vault client.
package vault
