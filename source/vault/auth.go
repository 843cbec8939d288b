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

// Token returns an auth method with one fixed token. The source does not renew it: renew a
// periodic token elsewhere, or use [TokenFile] or [AppRole].
func Token(token keyfit.Secret) api.AuthMethod { return fixedToken{token} }

type fixedToken struct{ token keyfit.Secret }

// Login returns the token without a request.
func (t fixedToken) Login(context.Context, *api.Client) (*api.Secret, error) {
	return asLogin(t.token.Reveal())
}

// TokenFile returns an auth method with the token in a file, such as the sink of Vault Agent.
// The source reads the file for each read of the secret.
func TokenFile(path string) api.AuthMethod { return tokenFile(path) }

type tokenFile string

// Login returns the token in the file without a request.
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

// AppRole is Vault's auth method for programs.
type AppRole struct {
	RoleID string
	// SecretID is the secret ID. SecretIDFile is the path of a file that contains it, which is
	// read at each login. At most one of them may be set.
	SecretID     keyfit.Secret
	SecretIDFile string
	// Mount is the mount of the auth method. The default is "approle".
	Mount string
}

// Login sends one login request.
func (a AppRole) Login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	secretID := a.SecretID.Reveal()
	if a.SecretIDFile != "" {
		if secretID != "" {
			return nil, errors.New("AppRole has both SecretID and SecretIDFile: set only one of them")
		}
		var err error
		if secretID, err = readSecretFile(a.SecretIDFile); err != nil {
			return nil, fmt.Errorf("file of the AppRole secret id %s: %w", a.SecretIDFile, err)
		}
	}
	if a.RoleID == "" {
		return nil, errors.New("AppRole needs a RoleID")
	}
	body := map[string]any{"role_id": a.RoleID}
	if secretID != "" { // a role may require no secret ID
		body["secret_id"] = secretID
	}
	path := "auth/" + strings.Trim(orElse(a.Mount, "approle"), "/") + "/login"
	return client.Logical().WriteWithContext(ctx, path, body)
}

// maxSecretFile bounds the size of a file. It exceeds any token.
const maxSecretFile = 64 << 10

// readSecretFile returns the content without surrounding white space. Its errors contain
// neither the path, which the caller adds, nor the content.
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
		return "", fmt.Errorf("larger than the limit of %d bytes", maxSecretFile)
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
