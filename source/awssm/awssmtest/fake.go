// Package awssmtest provides an in-memory fake of AWS Secrets Manager for tests: secrets with
// versions and staging labels over the JSON protocol of the AWS SDKs. Its error texts are
// those of the service.
package awssmtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Fake is a fake of the service. It is an [http.Handler]; [Fake.Transport] works without a
// network. It is safe for concurrent use.
type Fake struct {
	mu        sync.Mutex
	accessKey string
	secrets   map[string]*secret // by name
	requests  []string
	throttle  int
	intercept func(http.ResponseWriter, *http.Request) bool
}

// New returns a fake without secrets. It accepts every request signed with accessKey and does
// not verify the signature.
func New(accessKey string) *Fake {
	return &Fake{accessKey: accessKey, secrets: map[string]*secret{}}
}

// Throttle makes the fake refuse the next n requests with ThrottlingException.
func (f *Fake) Throttle(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttle = n
}

// Intercept sets a function that receives each request first. If it returns true, it has
// written the response. nil removes the function.
func (f *Fake) Intercept(answer func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = answer
}

// Requests returns the requests since the last call, such as "GetSecretValue app AWSCURRENT".
func (f *Fake) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.requests
	f.requests = nil
	return seen
}

// Transport returns a transport that answers requests to any host in this process. It works in
// a bubble of testing/synctest.
func (f *Fake) Transport() http.RoundTripper { return inProcess{f} }

type inProcess struct{ f *Fake }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	t.f.ServeHTTP(rec, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// input is the union of the inputs of all operations.
type input struct {
	SecretID            string   `json:"SecretId"`
	Name                string   `json:"Name"`
	VersionID           string   `json:"VersionId"`
	VersionStage        string   `json:"VersionStage"`
	ClientRequestToken  string   `json:"ClientRequestToken"`
	MoveToVersionID     string   `json:"MoveToVersionId"`
	RemoveFromVersionID string   `json:"RemoveFromVersionId"`
	SecretString        *string  `json:"SecretString"`
	SecretBinary        []byte   `json:"SecretBinary"`
	VersionStages       []string `json:"VersionStages"`
}

// ServeHTTP implements [http.Handler].
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	f.mu.Lock()
	intercept := f.intercept
	f.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	answer, fault := f.serve(operation, r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	if fault != nil {
		status := http.StatusBadRequest
		if fault.code == "InternalServiceError" {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		answer = map[string]any{"__type": fault.code, "message": fault.message}
	}
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // the client may have disconnected
}

// fault is an error response of the service.
type fault struct{ code, message string }

func (f *Fake) serve(operation string, r *http.Request) (map[string]any, *fault) {
	signer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
	switch {
	case !ok:
		return nil, &fault{"MissingAuthenticationTokenException", "Missing Authentication Token"}
	case !strings.HasPrefix(signer, f.accessKey+"/"):
		return nil, &fault{"UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	var in input
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, &fault{"SerializationException", "the body is not JSON"}
	}
	f.requests = append(f.requests, strings.TrimSpace(operation+" "+in.SecretID+" "+in.VersionStage))
	if f.throttle > 0 {
		f.throttle--
		return nil, &fault{"ThrottlingException", "Rate exceeded"}
	}
	if operation == "CreateSecret" {
		return f.create(in)
	}
	s := f.secrets[in.SecretID]
	if s == nil {
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret."}
	}
	if s.deleted && operation != "RestoreSecret" && operation != "DescribeSecret" {
		return nil, &fault{"InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion."}
	}
	switch operation {
	case "GetSecretValue":
		return s.get(in)
	case "PutSecretValue":
		return s.put(in, time.Now())
	case "UpdateSecretVersionStage":
		return s.move(in)
	case "DescribeSecret":
		return s.describe()
	case "DeleteSecret", "RestoreSecret":
		s.deleted = operation == "DeleteSecret"
		return map[string]any{"ARN": s.arn(), "Name": s.name}, nil
	}
	return nil, &fault{"UnknownOperationException", "the fake does not know the operation"}
}
