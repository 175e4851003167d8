// Package grafanaclient drives the real binary with Grafana's official Go client, on which the Terraform provider is
// built. It is a separate module, so that the client stays out of the program's module graph.
package grafanaclient
