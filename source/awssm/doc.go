// Package awssm is a [keyfit.Source] that reads a key, or a pair, from AWS Secrets Manager.
//
// The staging labels are states of the key: AWSCURRENT is the current key, AWSPREVIOUS the
// previous one, and AWSPENDING, while a rotation is under way, the one that comes next. A
// label that no version carries is no error, but for AWSCURRENT.
//
// Secrets Manager does not push changes, so [keyfit.Keyring.Watch] asks. Nothing is kept and
// nothing runs between two questions.
//
// It is a module of its own, so that programs without AWS do not carry its client.
package awssm
