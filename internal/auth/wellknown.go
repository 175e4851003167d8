package auth

import (
	_ "embed"
	"strings"
	"sync"
)

// wellKnown are the passwords that guessing programs try first, and those of widely copied examples.
//
//go:embed wellknown.txt
var wellKnown string

var wellKnownSet = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(wellKnown) {
		set[word] = true
	}
	return set
})

// guessed are the words that are also rejected with digits and symbols around them.
var guessed = []string{"admin", "administrator", "ausguck", "grafana", "prometheus", "loki", "monitoring", "password", "passwort", "changeme", "secret", "root", "test", "user", "welcome"}

// WellKnownPassword reports whether a password is among the first guesses for the login: one of the most common passwords, or the
// name of the login or the product, with or without digits or symbols around it.
func WellKnownPassword(login, password string) bool {
	word := fold(password)
	if word == "" || wellKnownSet()[word] {
		return true
	}
	bare := strings.TrimFunc(word, func(r rune) bool { return r < 'a' && r >= '!' || r > 'z' && r <= '~' })
	name, _, _ := strings.Cut(fold(login), "@")
	if bare == "" {
		return len(word) < 8 // only digits and symbols
	}
	if len(word)-len(bare) > 5 {
		return false
	}
	plain := leet.Replace(bare)
	for _, g := range append(guessed, name, fold(login)) {
		if g != "" && (bare == g || plain == g || word == g) {
			return true
		}
	}
	return false
}

// leet maps digits that people use in place of letters.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")
