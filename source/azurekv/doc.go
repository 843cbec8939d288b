// Package azurekv provides a [keyfit.Source] that reads a key, or a pair, from the secrets of
// Azure Key Vault.
//
// The latest version of the secret is the current key, and the enabled version before it the
// previous one. A latest version whose activation date lies ahead is the next key, and the one
// before it the current key. The expiration date of a version is the expiry of its key.
//
// Key Vault does not push changes, so [keyfit.Keyring.Watch] polls. The source caches nothing
// and runs nothing between two reads.
//
// The package is a separate module, so that other programs do not depend on the Azure client.
package azurekv
