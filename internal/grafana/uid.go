package grafana

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"hash/fnv"
	"strings"
)

// MaxUIDLength is Grafana's limit.
const MaxUIDLength = 40

// LegalUID checks Grafana's rule: letters, digits, - and _, at most 40.
func LegalUID(uid string) bool {
	if uid == "" || len(uid) > MaxUIDLength {
		return false
	}
	for _, r := range uid {
		if legal := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'; !legal {
			return false
		}
	}
	return true
}

var uidAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// StableUID derives a UID that is the same at every start.
func StableUID(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return "p" + uidAlphabet.EncodeToString(sum[:])[:13]
}

// NewUID returns a new unique UID.
func NewUID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return "s" + uidAlphabet.EncodeToString(b[:])[:13]
}

// StableID derives a numeric ID from a UID, for old clients. It can be represented as a JavaScript number, like Grafana's own
// derived IDs, and is never 0.
func StableID(kind, uid string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(kind + "/" + uid))
	return int64(h.Sum64()>>12) | 1
}

// Slug returns title in the form that Grafana uses in URLs: lower case, with one hyphen in place of all other characters.
func Slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			b.WriteRune(r)
		case r == 'ä' || r == 'ö' || r == 'ü' || r == 'ß':
			b.WriteString(map[rune]string{'ä': "a", 'ö': "o", 'ü': "u", 'ß': "ss"}[r])
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	slug := strings.TrimSuffix(b.String(), "-")
	if slug == "" && title != "" {
		return StableUID("slug", title)
	}
	return slug
}

// NearestUID converts an invalid UID into a valid one, which is the same at every start.
func NearestUID(uid string) string {
	legal := strings.Map(func(r rune) rune {
		if LegalUID(string(r)) {
			return r
		}
		return '-'
	}, uid)
	return strings.Trim(legal[:min(len(legal), 30)], "-") + "-" + StableUID("uid", uid)[1:9]
}
