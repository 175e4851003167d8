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

// The cost of argon2id as OWASP recommends it for servers: some 30 ms and 19 MiB, of which hashers run at once.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	saltLen      = 16
	hashLen      = 32
	hashers      = 2
)

const (
	// maxPassword bounds the work on what anybody may send.
	maxPassword = 1024
	// rememberFor is how long a password that was right is not hashed again.
	rememberFor = time.Minute
	// rememberWrong is how long a password that was wrong is not tried again, from the last time that it was sent: a
	// program with the password of yesterday makes one guess and not one a minute.
	rememberWrong = 30 * time.Minute
	maxRemember   = 1000
	// maxWaiting is how many wait for a hasher before the next is told to come again.
	maxWaiting = 32
)

var errBusy = errors.New("too many logins at once")

// passwords hashes, a few at a time, and remembers for a short while what was right: a program that sends its
// password with each request would else cost a core.
type passwords struct {
	slots chan struct{}
	// secret keys what is remembered, so that memory holds nothing that could be compared with a dictionary.
	secret []byte

	mtx     sync.Mutex
	waiting int
	right   map[[sha256.Size]byte]answer
	wrong   map[[sha256.Size]byte]time.Time // until when
	// took is how long the last comparison took, as long as an answer from memory takes too when it is no.
	took    time.Duration
	running map[[sha256.Size]byte]*check
}

// check is one comparison, for which all that ask the same wait.
type check struct {
	done   chan struct{}
	origin string
	err    error
}

// answer is whose hash has matched, and until when that is remembered.
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
	_, _ = rand.Read(p.secret) // it never fails
	return p
}

// slot waits for the right to use memory and CPU for a hash. The caller gives it back.
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
	_, _ = rand.Read(salt) // it never fails
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, hashLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// key names one question: is this the password to these hashes? A new password makes another question of it.
func (p *passwords) key(parts ...string) (key [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.secret)
	for _, part := range parts {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	mac.Sum(key[:0])
	return key
}

// check returns at once whose hash it was when f found one for the key in the last minute, or that it was wrong before; else it
// calls f, once for all who ask at the same time.
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
	c.err = errBusy // for those who wait, when f panics
	c.origin, c.err = f()
	return c.origin, c.err
}

// sweep forgets what is no longer remembered.
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

// nobody is the hash of no password: comparing with it takes the same time as with a real one.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches compares a password with a hash that is argon2id or bcrypt; an empty hash takes as long and is never right.
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
