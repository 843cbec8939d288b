package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/keyfit/keyfit"
)

// Token uses one token for good. Nothing renews it: give it a period and something that
// renews it, or use [TokenFile] or [AppRole].
func Token(token keyfit.Secret) api.AuthMethod { return fixedToken{token} }

type fixedToken struct{ token keyfit.Secret }

// Login hands out the token; it asks nobody.
func (f fixedToken) Login(context.Context, *api.Client) (*api.Secret, error) {
	return asLogin(f.token.Reveal())
}

// TokenFile uses the token in a file, such as the sink of Vault Agent. The file is read again
// for each question.
func TokenFile(path string) api.AuthMethod { return tokenFile(path) }

type tokenFile string

// Login reads the file; it asks nobody.
func (f tokenFile) Login(context.Context, *api.Client) (*api.Secret, error) {
	token, err := readSecretFile(string(f))
	if err != nil {
		return nil, fmt.Errorf("token file %s: %w", string(f), err)
	}
	return asLogin(token)
}

func asLogin(token string) (*api.Secret, error) {
	if token = strings.TrimSpace(token); token == "" {
		return nil, errors.New("the token is empty")
	}
	return &api.Secret{Auth: &api.SecretAuth{ClientToken: token}}, nil
}

// AppRole logs in as a role: Vault's way for programs.
type AppRole struct {
	RoleID string
	// SecretID, or the path of a file that holds it, which is read at each login.
	SecretID     keyfit.Secret
	SecretIDFile string
	// Mount of the auth method; the default is "approle".
	Mount string
}

// Login sends one request.
func (a AppRole) Login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	secretID := a.SecretID.Reveal()
	if a.SecretIDFile != "" {
		if secretID != "" {
			return nil, errors.New("AppRole has a secret id and a file of it: give one of them")
		}
		var err error
		if secretID, err = readSecretFile(a.SecretIDFile); err != nil {
			return nil, fmt.Errorf("file of the AppRole secret id %s: %w", a.SecretIDFile, err)
		}
	}
	if a.RoleID == "" {
		return nil, errors.New("AppRole needs the id of a role")
	}
	body := map[string]any{"role_id": a.RoleID}
	if secretID != "" { // a role may be bound by network only
		body["secret_id"] = secretID
	}
	path := "auth/" + strings.Trim(orElse(a.Mount, "approle"), "/") + "/login"
	return client.Logical().WriteWithContext(ctx, path, body)
}

// maxSecretFile is far above any token and keeps a wrong path from filling memory.
const maxSecretFile = 64 << 10

// readSecretFile returns the content without white space around it. Its errors name no
// path, which the caller does, and nothing of the content.
func readSecretFile(path string) (string, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return "", withoutPath(err)
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", withoutPath(err)
	case len(content) > maxSecretFile:
		return "", fmt.Errorf("larger than %d bytes, so it is not what was meant", maxSecretFile)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", errors.New("is empty")
	}
	return secret, nil
}

func withoutPath(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
