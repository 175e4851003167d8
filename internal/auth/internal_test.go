package auth

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThrottleGrowsAndForgets(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	th := newThrottle()
	th.now = func() time.Time { return now }
	fail := func(login, address string) time.Duration {
		a, wait := th.begin(login, address)
		if a != nil {
			a.failed()
		}
		return wait
	}
	for range 5 {
		require.Zero(t, fail("admin", "192.0.2.1"))
	}
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		require.Equal(t, want, fail("admin", "192.0.2.1"), "blocked")
		require.Equal(t, want, fail("ADMIN", "192.0.2.2"), "the login from elsewhere too")
		require.Equal(t, want, fail("other", "192.0.2.1"), "the address with another login too")
		now = now.Add(want)
		require.Zero(t, fail("admin", "192.0.2.1"), "one more")
	}
	require.Zero(t, fail("other", "192.0.2.3"))
	now = now.Add(maxWait + forgetAfter)
	for range 5 {
		require.Zero(t, fail("admin", "192.0.2.1"), "forgotten")
	}
	require.NotZero(t, fail("admin", "192.0.2.1"))
}

func TestThrottleLeavesTheUsersOwnAddress(t *testing.T) {
	th := newThrottle()
	a, _ := th.begin("admin", "192.0.2.1")
	a.passed()
	for range freeTries {
		a, wait := th.begin("admin", "203.0.113.7")
		require.Zero(t, wait)
		a.failed()
	}
	_, wait := th.begin("admin", "203.0.113.8")
	require.NotZero(t, wait, "strangers have to wait")
	_, wait = th.begin("admin", "192.0.2.1")
	require.Zero(t, wait, "the user does not")
}

func TestThrottleCountsWhatRuns(t *testing.T) {
	th := newThrottle()
	var running []*attempt
	for range 100 {
		if a, wait := th.begin("admin", fmt.Sprint("address ", len(running))); wait == 0 {
			running = append(running, a)
		}
	}
	require.Len(t, running, freeTries)
	for _, a := range running {
		a.dropped()
	}
	_, wait := th.begin("admin", "address")
	require.Zero(t, wait, "what came to no end does not count")
}

func TestThrottleDoesNotForgiveAnAddressForAPasswordOfItsOwn(t *testing.T) {
	th := newThrottle()
	for i := range freeTries {
		a, wait := th.begin(fmt.Sprint("victim", i), "192.0.2.1")
		require.Zero(t, wait)
		a.failed()
		if a, wait = th.begin("mine", "192.0.2.1"); wait == 0 {
			a.passed()
		}
	}
	_, wait := th.begin("victim", "192.0.2.1")
	require.NotZero(t, wait)
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle()
	for i := range 3 * maxEntries {
		a, wait := th.begin(fmt.Sprint("login", i), fmt.Sprint("address", i))
		require.Zero(t, wait)
		a.failed()
	}
	require.LessOrEqual(t, len(th.entries), maxEntries)
}

func TestThrottleTakesIPv6ByNetwork(t *testing.T) {
	require.Equal(t, network("2001:db8::1"), network("2001:db8::ffff"))
	require.NotEqual(t, network("2001:db8::1"), network("2001:db8:0:1::1"))
	require.Equal(t, "192.0.2.1", network("::ffff:192.0.2.1"))
	require.Equal(t, "inproc", network("inproc"))
}

func TestPasswordsRememberForAMinuteAndAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPasswords()
		var calls atomic.Int32
		verify := func(err error) func() (string, error) {
			return func() (string, error) {
				calls.Add(1)
				time.Sleep(time.Second)
				return originWeb, err
			}
		}
		check := func(key [32]byte, err error) error {
			origin, err := p.check(t.Context(), key, verify(err))
			if err == nil {
				require.Equal(t, originWeb, origin, "whose hash it was is remembered too")
			}
			return err
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { require.NoError(t, check(p.key("a", "b"), nil)) })
		}
		wg.Wait()
		require.EqualValues(t, 1, calls.Load(), "all who ask the same wait for one answer")
		require.NoError(t, check(p.key("a", "b"), errWrong), "remembered")
		require.ErrorIs(t, check(p.key("ab", ""), errWrong), errWrong, "another question")
		require.ErrorIs(t, check(p.key("ab", ""), errWrong), errWrong, "what is wrong is not remembered")
		require.EqualValues(t, 3, calls.Load())
		time.Sleep(rememberFor)
		p.sweep()
		require.Empty(t, p.right)
		require.ErrorIs(t, check(p.key("a", "b"), errWrong), errWrong)
	})
}

func TestPasswordsBoundTheirWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPasswords()
		var busy atomic.Int32
		var wg sync.WaitGroup
		for range hashers + maxWaiting + 10 {
			wg.Go(func() {
				release, err := p.slot(t.Context())
				if errors.Is(err, errBusy) {
					busy.Add(1)
					return
				}
				require.NoError(t, err)
				time.Sleep(time.Second)
				release()
			})
		}
		wg.Wait()
		require.GreaterOrEqual(t, busy.Load(), int32(10))
		require.Empty(t, p.slots)
	})
}

func TestHashes(t *testing.T) {
	hash, err := newPasswords().hash(t.Context(), "secret")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	other, err := newPasswords().hash(t.Context(), "secret")
	require.NoError(t, err)
	require.NotEqual(t, hash, other, "salted")
	require.True(t, matches(hash, "secret"))
	for hash, password := range map[string]string{
		hash: "Secret", "": "", nobody: "", "$argon2id$": "x", "$argon2id$v=19$m=1,t=1,p=1$AA$": "", "$2y$broken": "x", "plain": "plain",
	} {
		require.False(t, matches(hash, password), hash)
	}
	require.False(t, matches("", "secret"), "an account without a password")
}

func TestRemoteAddress(t *testing.T) {
	for _, tt := range []struct{ peer, forwarded, want string }{
		{"203.0.113.7:1234", "", "203.0.113.7"},
		{"203.0.113.7:1234", "198.51.100.1", "203.0.113.7"},
		{"127.0.0.1:1234", "", "127.0.0.1"},
		{"127.0.0.1:1234", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1234", "made up, 198.51.100.1", "198.51.100.1"},
		{"172.18.0.2:1234", "1.2.3.4,198.51.100.1", "198.51.100.1"},
		{"[::1]:1234", "2001:db8::1", "2001:db8::1"},
		{"127.0.0.1:1234", "nonsense", "127.0.0.1"},
		{"inproc", "198.51.100.1", "inproc"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		require.Equal(t, tt.want, remoteOf(r), "%s %s", tt.peer, tt.forwarded)
	}
}

func TestTokensHaveAChecksum(t *testing.T) {
	token := newToken()
	require.True(t, wellFormed(token))
	require.NotEqual(t, token, newToken())
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		require.False(t, wellFormed(string(changed)), i)
	}
}
