//go:build !unix

package migrate

func unlocked(string) error { return nil }
