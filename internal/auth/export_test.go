package auth

import "testing"

// FirstMigration is the schema before there were kinds of users.
var FirstMigration = migrations[:1]

// HashOf hashes a password as the program does.
func HashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := newPasswords().hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
