//go:build tools

// Package tools pins Alertmanager in a module of its own: the release that
// Prometheus depends on does not build from its published module.
package tools

import _ "github.com/prometheus/alertmanager/cmd/alertmanager"
