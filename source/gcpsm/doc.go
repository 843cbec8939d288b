// Package gcpsm provides a [keyfit.Source] that reads a key, or a pair, from Google Cloud's
// Secret Manager.
//
// The version of the secret that Config.Version names, normally the latest one, is the current
// key; the enabled version with the number before it is the previous one.
//
// Secret Manager does not push changes, so [keyfit.Keyring.Watch] polls. The source caches
// nothing and runs nothing between two reads.
//
// The package is a separate module, so that other programs do not depend on Google's client.
package gcpsm
