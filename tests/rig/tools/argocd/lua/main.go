// Command argocd-lua runs the health checks and resource actions of an
// argocd-cm on many objects, in the Lua engine of Argo CD.
//
// It reads one JSON request a line from standard input and writes one JSON
// answer a line to standard output. The only argument is the file of the
// ConfigMap. Requests: {"run": "health"|"discovery"|"action", "object": {...},
// "action": "undo", "parameters": {"to": "1.0.0"}}. Answers: {"health": {...}},
// {"actions": [...]}, {"object": {...}}, or {"error": "..."}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"github.com/argoproj/argo-cd/v3/pkg/apiclient/application"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
)

const namespace = "argocd"

type request struct {
	Run        string            `json:"run"`
	Object     json.RawMessage   `json:"object"`
	Action     string            `json:"action"`
	Parameters map[string]string `json:"parameters"`
}

func main() {
	overrides, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	decoder, encoder := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for decoder.More() {
		var asked request
		if err := decoder.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer, err := run(overrides, asked)
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		if err := encoder.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// read returns the customizations of a ConfigMap as Argo CD's settings have them.
func read(path string) (map[string]v1alpha1.ResourceOverride, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var configMap corev1.ConfigMap
	if err := yaml.Unmarshal(text, &configMap); err != nil {
		return nil, err
	}
	part := map[string]string{"app.kubernetes.io/part-of": "argocd"}
	configMap.ObjectMeta = metav1.ObjectMeta{Name: "argocd-cm", Namespace: namespace, Labels: part}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "argocd-secret", Namespace: namespace, Labels: part}}
	client := fake.NewClientset(&configMap, secret)
	return settings.NewSettingsManager(context.Background(), client, namespace).GetResourceOverrides()
}

func run(overrides map[string]v1alpha1.ResourceOverride, asked request) (map[string]any, error) {
	object := &unstructured.Unstructured{}
	// As from the API server: whole numbers are integers.
	if err := object.UnmarshalJSON(asked.Object); err != nil {
		return nil, err
	}
	machine := lua.VM{ResourceOverrides: overrides}
	switch asked.Run {
	case "health":
		found, err := lua.ResourceHealthOverrides(overrides).GetResourceHealth(object)
		return map[string]any{"health": found}, err
	case "discovery":
		scripts, err := machine.GetResourceActionDiscovery(object)
		if err != nil {
			return nil, err
		}
		found, err := machine.ExecuteResourceActionDiscovery(object, scripts)
		return map[string]any{"actions": found}, err
	case "action":
		return act(machine, object, asked)
	}
	return nil, fmt.Errorf("unknown request %q", asked.Run)
}

func act(machine lua.VM, object *unstructured.Unstructured, asked request) (map[string]any, error) {
	action, err := machine.GetResourceAction(object, asked.Action)
	if err != nil {
		return nil, err
	}
	var parameters []*application.ResourceActionParameters
	for name, value := range asked.Parameters {
		parameters = append(parameters, &application.ResourceActionParameters{Name: &name, Value: &value})
	}
	changed, err := machine.ExecuteResourceAction(object, action.ActionLua, parameters)
	if err != nil {
		return nil, err
	}
	if len(changed) != 1 {
		return nil, fmt.Errorf("the action changes %d objects", len(changed))
	}
	return map[string]any{"object": changed[0].UnstructuredObj.Object, "operation": changed[0].K8SOperation}, nil
}
