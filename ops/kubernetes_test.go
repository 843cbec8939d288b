package ops_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

type manifests struct {
	deployment apps.Deployment
	service    core.Service
	policy     networking.NetworkPolicy
}

// readManifests decodes the recipe with Kubernetes' own types; a member that they do not have is an
// error.
func readManifests(t *testing.T) manifests {
	t.Helper()
	var m manifests
	docs := bytes.Split(readRecipe(t, "kubernetes/app.yaml"), []byte("\n---\n"))
	for i, into := range []any{&m.deployment, &m.service, &m.policy} {
		if err := yaml.UnmarshalStrict(docs[i], into); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(m.deployment.APIVersion, m.deployment.Kind, m.service.Kind, m.policy.APIVersion, m.policy.Kind); got != "apps/v1 Deployment Service networking.k8s.io/v1 NetworkPolicy" && len(docs) != 3 {
		t.Fatalf("%d documents: %s", len(docs), got)
	}
	return m
}

// The parts of the recipe mean the same pod, port and file.
func TestKubernetesManifestsFitTogether(t *testing.T) {
	t.Parallel()
	m := readManifests(t)
	pod := m.deployment.Spec.Template
	for what, selector := range map[string]map[string]string{
		"deployment": m.deployment.Spec.Selector.MatchLabels, "service": m.service.Spec.Selector, "policy": m.policy.Spec.PodSelector.MatchLabels,
	} {
		for name, value := range selector {
			if pod.Labels[name] != value || len(selector) == 0 {
				t.Errorf("the %s does not select the pod: %v", what, selector)
			}
		}
	}
	c := pod.Spec.Containers[0]
	if c.Ports[0].Name != "http" || m.service.Spec.Ports[0].TargetPort.StrVal != "http" || m.policy.Spec.Ingress[0].Ports[0].Port.StrVal != "http" {
		t.Error("the ports differ")
	}
	for what, probe := range map[string]*core.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet.Port.StrVal != "http" {
			t.Errorf("the %s probe asks another port", what)
		}
	}
	if m.service.Spec.ClusterIP != core.ClusterIPNone || !m.service.Spec.PublishNotReadyAddresses {
		t.Error("the name of the service has not the addresses of all replicas")
	}
	mount, volume := c.VolumeMounts[0], pod.Spec.Volumes[0]
	if mount.SubPath != "" || mount.Name != volume.Name || !mount.ReadOnly || *volume.Secret.DefaultMode != 0o440 {
		t.Errorf("the mount is never updated, is of another volume, or can be written or read by others: %+v", mount)
	}
	if s := c.SecurityContext; *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !*pod.Spec.SecurityContext.RunAsNonRoot || *pod.Spec.SecurityContext.FSGroup != *pod.Spec.SecurityContext.RunAsGroup {
		t.Error("the container has more rights than it needs, or may not read its key")
	}
	for _, e := range c.Env {
		if strings.HasSuffix(e.Name, "_API_KEY") {
			t.Errorf("%s: a key in the environment never changes", e.Name)
		}
	}
}

// kubelet writes a Secret as a directory beside the old one, and turns the link ..data to it.
type kubeletMount struct {
	dir string
	n   int
}

func (m *kubeletMount) update(t *testing.T, file, content string) {
	t.Helper()
	m.n++
	name := fmt.Sprintf("..2026_11_30_12_00_00.%d", m.n)
	old, _ := os.Readlink(filepath.Join(m.dir, "..data"))
	steps := []error{
		os.Mkdir(filepath.Join(m.dir, name), 0o755),
		os.WriteFile(filepath.Join(m.dir, name, file), []byte(content), 0o440),
		os.Symlink(name, filepath.Join(m.dir, "..data_tmp")),
		os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")),
	}
	if old == "" {
		steps = append(steps, os.Symlink(filepath.Join("..data", file), filepath.Join(m.dir, file)))
	} else {
		steps = append(steps, os.RemoveAll(filepath.Join(m.dir, old)))
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The program runs with the recipe's arguments and environment on a directory that is updated as
// kubelet does, loses no call in a rotation, and the probes tell when no key works.
func TestKubernetesRotatesWithoutARestart(t *testing.T) {
	t.Parallel()
	m := readManifests(t)
	c := m.deployment.Spec.Template.Spec.Containers[0]
	mock, key := mockOf(t)
	mount, env := &kubeletMount{dir: t.TempDir()}, map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	file := filepath.Base(env["IMKIT_API_KEY_FILE"])
	mount.update(t, file, key.Secret.Reveal()+"\n")
	env["IMKIT_API_KEY_FILE"] = within(t, env["IMKIT_API_KEY_FILE"], c.VolumeMounts[0].MountPath, mount.dir)
	env["IMKIT_BASE_URL"] = mock.BaseURL("imkit")
	a := start(t, env, replaced(c.Args))
	a.rotates(t, mock, key, c.LivenessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path, func(next string) { mount.update(t, file, next+"\n") })
}
