package awssmtest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

type secret struct {
	name     string
	deleted  bool // marked for deletion
	versions []*version
}

type version struct {
	id      string
	text    *string
	binary  []byte
	created time.Time
	stages  []string
}

func (s *secret) arn() string {
	return "arn:aws:secretsmanager:eu-west-1:000000000000:secret:" + s.name
}

func (f *Fake) create(in input) (map[string]any, *fault) {
	if f.secrets[in.Name] != nil {
		return nil, &fault{"ResourceExistsException", "The operation failed because the secret " + in.Name + " already exists."}
	}
	s := &secret{name: in.Name}
	f.secrets[in.Name] = s
	return s.put(in, time.Now())
}

// put adds a version. Without explicit labels it becomes AWSCURRENT.
func (s *secret) put(in input, now time.Time) (map[string]any, *fault) {
	id := in.ClientRequestToken
	if id == "" {
		id = newID()
	}
	stages := in.VersionStages
	if len(stages) == 0 {
		stages = []string{current}
	}
	v := s.byID(id)
	switch {
	case v == nil:
		v = &version{id: id, text: in.SecretString, binary: in.SecretBinary, created: now}
		s.versions = append(s.versions, v)
	case !v.same(in):
		return nil, &fault{"ResourceExistsException", "You can't use ClientRequestToken " + id + " because that value is already in use for a version of secret " + s.arn() + "."}
	}
	for _, stage := range stages {
		s.label(stage, v)
	}
	return map[string]any{"ARN": s.arn(), "Name": s.name, "VersionId": id, "VersionStages": v.stages}, nil
}

func (v *version) same(in input) bool {
	if (v.text == nil) != (in.SecretString == nil) || v.text != nil && *v.text != *in.SecretString {
		return false
	}
	return bytes.Equal(v.binary, in.SecretBinary)
}

// label moves a label to a version. Moving AWSCURRENT moves AWSPREVIOUS to the old version.
func (s *secret) label(stage string, to *version) {
	from := s.byStage(stage)
	if from == to {
		return
	}
	if from != nil {
		from.drop(stage)
		if stage == current {
			s.label(previous, from)
		}
	}
	to.stages = append(to.stages, stage)
}

func (v *version) drop(stage string) {
	v.stages = slices.DeleteFunc(v.stages, func(s string) bool { return s == stage })
}

// move implements UpdateSecretVersionStage, the last step of a rotation.
func (s *secret) move(in input) (map[string]any, *fault) {
	from, to := s.byStage(in.VersionStage), s.byID(in.MoveToVersionID)
	switch {
	case in.MoveToVersionID != "" && to == nil:
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret version."}
	case from != nil && from != to && from.id != in.RemoveFromVersionID:
		return nil, &fault{"InvalidParameterException", fmt.Sprintf("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", in.VersionStage, from.id)}
	case to != nil:
		s.label(in.VersionStage, to)
	case from != nil:
		from.drop(in.VersionStage)
	}
	return map[string]any{"ARN": s.arn(), "Name": s.name}, nil
}

func (s *secret) get(in input) (map[string]any, *fault) {
	stage := in.VersionStage
	if stage == "" && in.VersionID == "" {
		stage = current
	}
	v := s.byID(in.VersionID)
	what := "VersionId: " + in.VersionID
	if stage != "" {
		v, what = s.byStage(stage), "staging label: "+stage
	}
	if v == nil || v.text == nil && v.binary == nil {
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret value for " + what}
	}
	answer := map[string]any{
		"ARN": s.arn(), "Name": s.name, "VersionId": v.id, "VersionStages": v.stages,
		"CreatedDate": float64(v.created.UnixMilli()) / 1000, // seconds
	}
	if v.text != nil {
		answer["SecretString"] = *v.text
	} else {
		answer["SecretBinary"] = v.binary
	}
	return answer, nil
}

func (s *secret) describe() (map[string]any, *fault) {
	stages := map[string][]string{}
	for _, v := range s.versions {
		if len(v.stages) > 0 {
			stages[v.id] = v.stages
		}
	}
	return map[string]any{"ARN": s.arn(), "Name": s.name, "VersionIdsToStages": stages}, nil
}

func (s *secret) byID(id string) *version {
	for _, v := range s.versions {
		if v.id == id {
			return v
		}
	}
	return nil
}

func (s *secret) byStage(stage string) *version {
	for _, v := range s.versions {
		if slices.Contains(v.stages, stage) {
			return v
		}
	}
	return nil
}

// newID returns an ID in the form of a UUID, as the service requires.
func newID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}

// Put adds a version with the given labels, or AWSCURRENT, to a secret, which it creates if
// necessary, and returns the ID of the version. It is a shortcut for the API.
func (f *Fake) Put(name, text string, stages ...string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.secrets[name]
	if s == nil {
		s = &secret{name: name}
		f.secrets[name] = s
	}
	answer, _ := s.put(input{SecretString: &text, VersionStages: stages}, time.Now())
	id, _ := answer["VersionId"].(string)
	return id
}

// Delete marks a secret for deletion.
func (f *Fake) Delete(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.secrets[name]; s != nil {
		s.deleted = true
	}
}
