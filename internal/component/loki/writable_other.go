//go:build !unix

package loki

// writable is found out when something is written.
func writable(string) bool { return true }
