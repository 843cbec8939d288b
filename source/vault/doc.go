// Package vault is a [keyfit.Source] that reads a key, or a pair, from a KV version 2
// secrets engine of HashiCorp Vault or OpenBao. The two speak the same protocol; what
// differs in their answers is not looked at.
//
// The newest version of the secret is the current key and the version before it, unless it
// was deleted or destroyed, the previous one. Neither server pushes changes in its open
// edition, so [keyfit.Keyring.Watch] asks.
//
// A token from [AppRole], or from any other login, is replaced by a new login when 70 % of
// its life is over, and once when the server refuses it. Nothing runs between two
// questions: there is no goroutine to stop.
//
// It is a module of its own, so that programs without Vault do not carry its client.
package vault
