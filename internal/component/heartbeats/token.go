package heartbeats

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// minToken and minDistinct keep out tokens that can be guessed; a UUID has 36 characters.
const minToken, maxToken, minDistinct = 16, 200, 6

// tokenHash is what is kept of a token. Looking up a hash takes the same time whatever part of a token is right.
type tokenHash [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// newToken returns a token with at least 128 random bits.
func newToken() string { return rand.Text() }

var (
	uuid    = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	secret  = regexp.MustCompile(`^[A-Za-z0-9_~.-]+$`)
	slug    = regexp.MustCompile(`^[a-z0-9_-]+$`)
	pingKey = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
)

// canonical returns the one spelling of a token: UUIDs may be written in capital letters.
func canonical(token string) string {
	if uuid.MatchString(token) {
		return strings.ToLower(token)
	}
	return token
}

// checkToken checks a token, or the ping key and the slug of healthchecks.io with a slash in between. The error does not repeat
// it.
func checkToken(token string) error {
	key, name, isSlug := strings.Cut(token, "/")
	distinct := map[rune]bool{}
	for _, c := range key {
		distinct[c] = true
	}
	_, _, isAction := actionOf(name)
	switch {
	case len(key) < minToken:
		return fmt.Errorf("must have at least %d characters, such as a UUID (uuidgen prints one)", minToken)
	case len(token) > maxToken:
		return fmt.Errorf("must have at most %d characters", maxToken)
	case len(distinct) < minDistinct:
		return fmt.Errorf("must have at least %d different characters, such as a UUID (uuidgen prints one)", minDistinct)
	case !secret.MatchString(key):
		return errors.New("must consist of letters, digits and the characters - _ . ~")
	case isSlug && !slug.MatchString(name):
		return errors.New("must have a slug of a-z, 0-9, - and _ behind its slash")
	case isSlug && isAction:
		return errors.New("must not have a slug that has a meaning in the URL: start, fail, log, or a number")
	}
	return nil
}
