package awssm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/awssm"
	"github.com/keyfit/keyfit/source/awssm/awssmtest"
)

// The test runs the steps of an AWS rotation function with the AWS SDK and checks the
// versions after each step:
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_turn-on-for-other.html
func TestARotationIsFollowedStepByStep(t *testing.T) {
	t.Parallel()
	ctx, fake := t.Context(), awssmtest.New(accessKey)
	client := newClient(fake.Transport())
	src := newSource(t, client, awssm.Config{})
	const first, second = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	names := map[string]string{first: "v1", second: "v2"}
	v1, v2 := shown{Key: "k1", Version: "v1"}, shown{Key: "k2", Version: "v2"}
	moveCurrent := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String("app"), VersionStage: aws.String("AWSCURRENT"),
		MoveToVersionId: aws.String(second), RemoveFromVersionId: aws.String(first),
	}
	steps := []struct {
		name                       string
		do                         func() error
		current, previous, pending shown
	}{
		{"before", func() error {
			_, err := client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("app"), SecretString: aws.String("k1"), ClientRequestToken: aws.String(first)})
			return err
		}, v1, shown{}, shown{}},
		{"createSecret", func() error {
			_, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
				SecretId: aws.String("app"), SecretString: aws.String("k2"), ClientRequestToken: aws.String(second), VersionStages: []string{"AWSPENDING"},
			})
			return err
		}, v1, shown{}, v2},
		{"a finishSecret that does not say what it replaces", func() error {
			blind := *moveCurrent
			blind.RemoveFromVersionId = nil
			if _, err := client.UpdateSecretVersionStage(ctx, &blind); err == nil {
				return errors.New("it was accepted")
			}
			return nil
		}, v1, shown{}, v2},
		{"finishSecret", func() error { _, err := client.UpdateSecretVersionStage(ctx, moveCurrent); return err }, v2, v1, shown{}},
		{"removal of AWSPENDING", func() error {
			_, err := client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: aws.String("app"), VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: aws.String(second),
			})
			return err
		}, v2, v1, shown{}},
		{"roll back", func() error {
			back := *moveCurrent
			back.MoveToVersionId, back.RemoveFromVersionId = aws.String(first), aws.String(second)
			_, err := client.UpdateSecretVersionStage(ctx, &back)
			return err
		}, v1, v2, shown{}},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		offer, err := src.Versions(ctx)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := []shown{show(offer.Current, names), show(offer.Previous, names), show(offer.Pending, names)}
		if diff := cmp.Diff([]shown{step.current, step.previous, step.pending}, got); diff != "" {
			t.Errorf("after %s: current, previous, pending (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestAKeyringFollowsTheSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := awssmtest.New(accessKey)
		fake.Put("app", "key-00")
		ring, err := keyfit.NewKeyring(t.Context(), newSource(t, newClient(fake.Transport()), awssm.Config{}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		watched := make(chan error, 1)
		go func() { watched <- ring.Watch(ctx, 30*time.Second) }()
		expect := func(when, want string) {
			t.Helper()
			<-time.After(61 * time.Second)
			if cred, err := ring.Credential(t.Context()); err != nil || cred.Key.Reveal() != want {
				t.Errorf("%s: %s, %v, want %s", when, cred.Key.Reveal(), err, want)
			}
		}
		fake.Put("app", "key-01")
		expect("after a rotation", "key-01")
		pending := fake.Put("app", "key-02", "AWSPENDING")
		expect("while the next one is pending", "key-01")
		if staged := ring.Status().Staged; staged == nil || staged.Version != pending {
			t.Errorf("the pending key is not staged: %+v", staged)
		}
		fake.Throttle(1 << 20)
		fake.Put("app", "key-03")
		expect("throttled", "key-01")
		fake.Throttle(0)
		expect("after that", "key-03")
		fake.Delete("app")
		expect("marked for deletion", "key-03")
		if !ring.Status().Source.Stale {
			t.Error("there is no event that the source is stale")
		}
		stop()
		<-watched
	})
}
