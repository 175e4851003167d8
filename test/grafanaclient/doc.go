// Package grafanaclient drives the real binary with Grafana's official Go client, which the Terraform provider is built
// on. It is a module of its own, so that the client stays out of the program's module graph.
package grafanaclient
