//go:build !linux

package app

// releaseProgramPages is for Linux only.
func releaseProgramPages() error { return nil }
