// Package awssm provides a [keyfit.Source] that reads a key, or a pair, from AWS Secrets
// Manager.
//
// The staging labels are the states of the key: AWSCURRENT is the current key, AWSPREVIOUS the
// previous one, and AWSPENDING the next one during a rotation. Only AWSCURRENT is required.
//
// Secrets Manager does not push changes, so [keyfit.Keyring.Watch] polls. The source caches
// nothing and runs nothing between two reads.
//
// The package is a separate module, so that other programs do not depend on the AWS client.
package awssm
