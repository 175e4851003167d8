package dashboards

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"hash/fnv"
	"strings"
)

const maxUIDLength = 40 // Grafana's

// legalUID is Grafana's rule: letters, digits, - and _, at most 40.
func legalUID(uid string) bool {
	if uid == "" || len(uid) > maxUIDLength {
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

// stableUID derives a uid that is the same at every start.
func stableUID(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return "p" + uidAlphabet.EncodeToString(sum[:])[:13]
}

// newUID returns a uid that nobody has.
func newUID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return "s" + uidAlphabet.EncodeToString(b[:])[:13]
}

// stableID derives the numeric id that old clients want from a uid. It fits a JavaScript number, as Grafana's
// own derived ids do, and is never 0.
func stableID(kind, uid string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(kind + "/" + uid))
	return int64(h.Sum64()>>12) | 1
}

// slugify returns title as Grafana writes it into URLs: lower case, one hyphen for all else.
func slugify(title string) string {
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
		return stableUID("slug", title)
	}
	return slug
}
