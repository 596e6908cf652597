// Command oldest-crds validates CustomResourceDefinitions as an API server of
// the oldest Kubernetes that Pennant supports does when they are created.
//
// The arguments are files with one definition each. Each error is a line on
// standard output; the exit code is 1 if there is any.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

func main() {
	code := 0
	for _, path := range os.Args[1:] {
		found, err := validate(path)
		if err != nil {
			found = []string{err.Error()}
		}
		for _, each := range found {
			fmt.Printf("%s: %s\n", path, each)
			code = 1
		}
	}
	os.Exit(code)
}

func validate(path string) ([]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	var read v1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(content, &read); err != nil {
		return nil, err
	}
	scheme.Default(&read)
	var internal apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&read, &internal, nil); err != nil {
		return nil, err
	}
	// An API server sets this before it validates.
	for _, each := range internal.Spec.Versions {
		if each.Storage {
			internal.Status.StoredVersions = []string{each.Name}
		}
	}
	var found []string
	for _, each := range validation.ValidateCustomResourceDefinition(context.Background(), &internal) {
		found = append(found, each.Error())
	}
	return found, nil
}
