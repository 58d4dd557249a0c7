// Package goapp_test holds the Dockerfiles, Kubernetes manifests, compose files and the pipeline to each other.
package goapp_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3" // in tests only: the server links no YAML
)

type probe struct {
	HTTPGet struct {
		Path string
		Port string
	} `yaml:"httpGet"`
	TimeoutSeconds int `yaml:"timeoutSeconds"`
}

type container struct {
	Name, Image string
	Ports       []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	SecurityContext struct {
		ReadOnly     bool  `yaml:"readOnlyRootFilesystem"`
		Escalation   *bool `yaml:"allowPrivilegeEscalation"`
		Capabilities struct{ Drop []string }
	} `yaml:"securityContext"`
	Startup   probe `yaml:"startupProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Resources struct{ Requests, Limits map[string]string }
}

type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Selector yaml.Node
		Ports    []struct {
			Port       int
			TargetPort string `yaml:"targetPort"`
		}
		ScaleTargetRef struct{ Kind, Name string } `yaml:"scaleTargetRef"`
		MinReplicas    int                         `yaml:"minReplicas"`
		MaxReplicas    int                         `yaml:"maxReplicas"`
		Template       struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				SecurityContext struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
					RunAsUser    int  `yaml:"runAsUser"`
				} `yaml:"securityContext"`
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []container
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// kubernetes returns each manifest by its kind.
func kubernetes(t *testing.T) map[string]manifest {
	t.Helper()
	paths, err := filepath.Glob("k8s/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no manifests", err)
	}
	found := map[string]manifest{}
	for _, path := range paths {
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
		for {
			var m manifest
			err := decoder.Decode(&m)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			found[m.Kind] = m
		}
	}
	return found
}

func TestKubernetesRunsWhatTheDockerfileBuilds(t *testing.T) {
	found := kubernetes(t)
	deployment := found["Deployment"].Spec.Template
	if len(deployment.Spec.Containers) != 1 {
		t.Fatalf("%d containers", len(deployment.Spec.Containers))
	}
	app, dockerfile := deployment.Spec.Containers[0], read(t, "Dockerfile")
	if want := regexp.MustCompile(`(?m)^USER 65534:65534$`); !want.MatchString(dockerfile) ||
		deployment.Spec.SecurityContext.RunAsUser != 65534 || !deployment.Spec.SecurityContext.RunAsNonRoot {
		t.Errorf("user: %+v", deployment.Spec.SecurityContext)
	}
	if !strings.Contains(dockerfile, "\nEXPOSE 8080\n") || app.Ports[0].ContainerPort != 8080 ||
		found["ConfigMap"].Data["PORT"] != "8080" {
		t.Errorf("port: %+v, %v", app.Ports, found["ConfigMap"].Data)
	}
	if app.Liveness.HTTPGet.Path != "/health" || app.Readiness.HTTPGet.Path != "/ready" || app.Startup.HTTPGet.Path != "/health" {
		t.Errorf("probes: %+v %+v %+v", app.Startup, app.Liveness, app.Readiness)
	}
	for _, p := range []probe{app.Startup, app.Liveness, app.Readiness} { // the service gives its parts a second each
		if p.HTTPGet.Port != app.Ports[0].Name || p.TimeoutSeconds < 3 {
			t.Errorf("probe: %+v", p)
		}
	}
	security := app.SecurityContext
	if !security.ReadOnly || security.Escalation == nil || *security.Escalation || !slices.Equal(security.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("security: %+v", security)
	}
	if app.Resources.Limits["memory"] == "" || app.Resources.Requests["cpu"] == "" {
		t.Errorf("resources: %+v", app.Resources)
	}
	if strings.HasSuffix(app.Image, ":latest") || !strings.Contains(app.Image, ":") {
		t.Errorf("image: %s", app.Image)
	}
	if deployment.Spec.Grace <= 10 { // SHUTDOWN_TIMEOUT's default
		t.Errorf("grace period: %d s", deployment.Spec.Grace)
	}
}

func TestKubernetesNamesFitTogether(t *testing.T) {
	found := kubernetes(t)
	labels := found["Deployment"].Spec.Template.Metadata.Labels
	var selector map[string]string
	service := found["Service"]
	if err := service.Spec.Selector.Decode(&selector); err != nil {
		t.Fatal(err)
	}
	for name, value := range selector {
		if labels[name] != value {
			t.Errorf("the service selects %s=%s, the pods have %v", name, value, labels)
		}
	}
	if port := service.Spec.Ports[0]; port.TargetPort != found["Deployment"].Spec.Template.Spec.Containers[0].Ports[0].Name {
		t.Errorf("the service's port: %+v", port)
	}
	scaler := found["HorizontalPodAutoscaler"].Spec
	if scaler.ScaleTargetRef.Name != found["Deployment"].Metadata.Name || scaler.MinReplicas < 2 || scaler.MaxReplicas <= scaler.MinReplicas {
		t.Errorf("scaler: %+v", scaler)
	}
	settings, known := found["ConfigMap"].Data, read(t, "internal/config/config.go")
	for name := range settings {
		if !strings.Contains(known, `envconfig:"`+name+`"`) {
			t.Errorf("the service has no setting %s", name)
		}
	}
}

type composeFile struct {
	Services map[string]struct {
		Image       string
		Build       struct{ Context, Dockerfile string }
		User        string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		SecurityOpt []string `yaml:"security_opt"`
		Healthcheck struct{ Test []string }
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Environment map[string]string
		Ports       []string
	}
	Volumes map[string]any
}

func TestComposeFiles(t *testing.T) {
	for path, dockerfile := range map[string]string{"docker-compose.yml": "Dockerfile", "docker-compose.dev.yml": "Dockerfile.dev"} {
		var compose composeFile
		if err := yaml.Unmarshal([]byte(read(t, path)), &compose); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		app := compose.Services["app"]
		if app.Build.Dockerfile != dockerfile {
			t.Errorf("%s builds %q", path, app.Build.Dockerfile)
		}
		if _, err := os.Stat(app.Build.Dockerfile); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"app", "postgres", "redis"} {
			s := compose.Services[name]
			if !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
				t.Errorf("%s: %s keeps capabilities or can gain some", path, name)
			}
			if name != "app" && len(s.Healthcheck.Test) == 0 {
				t.Errorf("%s: %s has no health check", path, name)
			}
			if !s.ReadOnly && dockerfile == "Dockerfile" {
				t.Errorf("%s: %s can write to its root", path, name)
			}
			if name != "app" && app.DependsOn[name].Condition != "service_healthy" {
				t.Errorf("%s: app does not wait for %s", path, name)
			}
		}
		for variable, host := range map[string]string{"DATABASE_URL": "@postgres:5432/", "REDIS_URL": "//redis:6379/"} {
			if !strings.Contains(app.Environment[variable], host) {
				t.Errorf("%s: %s is %q", path, variable, app.Environment[variable])
			}
		}
		for _, port := range app.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to others", path, port)
			}
		}
	}
}

func TestThePipelineBuildsAndChecksEachVariant(t *testing.T) {
	var pipeline struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Needs yaml.Node
			Steps []struct{ Name, Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "ci/pipeline.yml")), &pipeline); err != nil {
		t.Fatal(err)
	}
	if pipeline.Permissions["contents"] != "read" {
		t.Errorf("permissions: %v", pipeline.Permissions)
	}
	var all strings.Builder
	for _, job := range pipeline.Jobs {
		for _, step := range job.Steps {
			all.WriteString(step.Run + "\n" + step.Uses + "\n")
		}
	}
	makefile := read(t, "Makefile")
	for _, target := range regexp.MustCompile(`(?m)\bmake ([a-z-]+)`).FindAllStringSubmatch(all.String(), -1) {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("the Makefile has no target %s", target[1])
		}
	}
	for _, wanted := range []string{"make test", "make build-all", "imgaudit check", "imgaudit compare", "actions/upload-artifact@"} {
		if !strings.Contains(all.String(), wanted) {
			t.Errorf("no step has %q", wanted)
		}
	}
}

// The variants differ in what they run on, not in how the program is built.
func TestTheBuildersAreTheSame(t *testing.T) {
	part := func(path string) string {
		_, rest, found := strings.Cut(read(t, path), "AS builder\n")
		builder, _, ends := strings.Cut(rest, "\nFROM ")
		if !found || !ends {
			t.Fatalf("%s: no builder", path)
		}
		return builder
	}
	for _, path := range []string{"Dockerfile.alpine", "Dockerfile.distroless", "Dockerfile.debian"} {
		if part(path) != part("Dockerfile") {
			t.Errorf("the builder of %s is another than Dockerfile's", path)
		}
	}
}
