//go:build tools

// Package tools pins Argo CD in a module of its own: only the tests with
// Argo CD need it, and its dependencies differ from the control plane's.
package tools

import _ "github.com/argoproj/argo-cd/v3/cmd"
