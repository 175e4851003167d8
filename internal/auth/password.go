package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// The argon2id parameters that OWASP recommends for servers: about 30 ms and 19 MiB per hash, of which hashers are computed
// concurrently.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	saltLen      = 16
	hashLen      = 32
	hashers      = 2
)

const (
	// maxPassword limits the work that unauthenticated input can cause.
	maxPassword = 1024
	// rememberFor is how long a correct password is cached and not hashed again.
	rememberFor = time.Minute
	// rememberWrong is how long a wrong password is not checked again, counted from the last time that it was sent: a program
	// with an outdated password makes one attempt and not one per minute.
	rememberWrong = 30 * time.Minute
	maxRemember   = 1000
	// maxWaiting is how many requests wait for a hasher before further ones are told to retry.
	maxWaiting = 32
)

var errBusy = errors.New("too many logins at once")

// passwords computes a few hashes at a time and briefly caches correct passwords: a program that sends its password with each
// request would otherwise use a whole core.
type passwords struct {
	slots chan struct{}
	// secret is the key of the cache's HMACs, so that memory holds nothing that could be compared with a dictionary.
	secret []byte

	mtx     sync.Mutex
	waiting int
	right   map[[sha256.Size]byte]answer
	wrong   map[[sha256.Size]byte]time.Time // expiry
	// took is the duration of the last comparison; negative answers from the cache are delayed by as much.
	took    time.Duration
	running map[[sha256.Size]byte]*check
}

// check is one comparison; concurrent requests with the same question wait for it.
type check struct {
	done   chan struct{}
	origin string
	err    error
}

// answer is the origin of the matching hash, and how long that is cached.
type answer struct {
	origin string
	until  time.Time
}

func newPasswords() *passwords {
	p := &passwords{
		slots:   make(chan struct{}, hashers),
		secret:  make([]byte, 32),
		right:   map[[sha256.Size]byte]answer{},
		wrong:   map[[sha256.Size]byte]time.Time{},
		running: map[[sha256.Size]byte]*check{},
	}
	_, _ = rand.Read(p.secret) // never fails
	return p
}

// slot waits for permission to use memory and CPU for a hash. The caller must release it.
func (p *passwords) slot(ctx context.Context) (release func(), err error) {
	p.mtx.Lock()
	if p.waiting >= maxWaiting {
		p.mtx.Unlock()
		return nil, errBusy
	}
	p.waiting++
	p.mtx.Unlock()
	defer func() {
		p.mtx.Lock()
		p.waiting--
		p.mtx.Unlock()
	}()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns the PHC string of a new password.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	release, err := p.slot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, hashLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// key identifies a question: is this the password for these hashes? A new password is a new question.
func (p *passwords) key(parts ...string) (key [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.secret)
	for _, part := range parts {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	mac.Sum(key[:0])
	return key
}

// check returns immediately the origin that f found for the key in the last minute, or that the password was wrong before;
// otherwise it calls f, once for all concurrent callers with the same key.
func (p *passwords) check(ctx context.Context, key [sha256.Size]byte, f func() (origin string, err error)) (string, error) {
	p.mtx.Lock()
	if a, ok := p.right[key]; ok && time.Now().Before(a.until) {
		p.mtx.Unlock()
		return a.origin, nil
	}
	if until, ok := p.wrong[key]; ok && time.Now().Before(until) {
		p.wrong[key] = time.Now().Add(rememberWrong)
		took := p.took
		p.mtx.Unlock()
		select {
		case <-time.After(took):
		case <-ctx.Done():
		}
		return "", errWrong
	}
	if c, ok := p.running[key]; ok {
		p.mtx.Unlock()
		select {
		case <-c.done:
			return c.origin, c.err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	c := &check{done: make(chan struct{})}
	p.running[key] = c
	p.mtx.Unlock()
	began := time.Now()
	defer func() {
		p.mtx.Lock()
		defer p.mtx.Unlock()
		delete(p.running, key)
		if c.err == nil && len(p.right) < maxRemember {
			p.right[key] = answer{c.origin, time.Now().Add(rememberFor)}
		}
		if errors.Is(c.err, errWrong) {
			p.took = min(time.Since(began), time.Second)
			if len(p.wrong) < maxRemember {
				p.wrong[key] = time.Now().Add(rememberWrong)
			}
		}
		close(c.done)
	}()
	c.err = errBusy // for waiting callers, if f panics
	c.origin, c.err = f()
	return c.origin, c.err
}

// sweep removes expired entries.
func (p *passwords) sweep() {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	for key, a := range p.right {
		if time.Now().After(a.until) {
			delete(p.right, key)
		}
	}
	for key, until := range p.wrong {
		if time.Now().After(until) {
			delete(p.wrong, key)
		}
	}
}

// nobody is a hash that no password matches: comparing with it takes as long as with a real one.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches compares a password with an argon2id or bcrypt hash; an empty hash takes as long and never matches.
func matches(hash, password string) bool {
	if strings.HasPrefix(hash, "$2") {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	}
	known := hash != ""
	if !known {
		hash = nobody
	}
	var version, memory, passes uint32
	var threads uint8
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(fields[2]+" "+fields[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &threads); err != nil || version != argon2.Version {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil || len(want) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known
}
