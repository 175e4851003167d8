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

// wrong tries a wrong password and returns the required wait if the attempt is throttled.
func wrong(t *throttle, login, address, known string) time.Duration {
	a, wait := t.begin(guest{login, address, known})
	if a != nil {
		a.failed()
	}
	return wait
}

func TestThrottleGrowsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range freeTries {
			require.Zero(t, wrong(th, "admin", "192.0.2.1", ""))
		}
		for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
			require.Equal(t, want, wrong(th, "ADMIN ", "192.0.2.1", ""), "blocked")
			time.Sleep(want)
			require.Zero(t, wrong(th, "admin", "192.0.2.1", ""), "one more")
		}
		time.Sleep(maxWait + forgetAfter)
		for range freeTries {
			require.Zero(t, wrong(th, "admin", "192.0.2.1", ""), "forgotten")
		}
		require.NotZero(t, wrong(th, "admin", "192.0.2.1", ""))
	})
}

// Attackers do as much as they can for an hour, with the admin's login and with others, from elsewhere and from the address that
// all clients behind docker-proxy share. The admin can still log in.
func TestThrottleKeepsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range 60 {
			for i := range 100 {
				wrong(th, "admin", fmt.Sprintf("203.0.113.%d", i), "")
				wrong(th, "admin", "172.18.0.1", "")
				wrong(th, fmt.Sprint("login", i), "172.18.0.1", "")
			}
			time.Sleep(time.Minute)
		}
		for name, g := range map[string]guest{
			"from elsewhere":                        {"admin", "192.0.2.1", ""},
			"another at the address":                {"eve", "172.18.0.1", ""},
			"with a device, at the address":         {"admin", "172.18.0.1", "device a"},
			"with a session, at a stranger's place": {"admin", "203.0.113.7", "session a"},
		} {
			a, wait := th.begin(g)
			require.Zero(t, wait, name)
			a.passed()
		}
		require.NotZero(t, wrong(th, "admin", "172.18.0.1", ""), "who shows nothing has to wait")
		require.NotZero(t, wrong(th, "admin", "203.0.113.7", ""))
	})
}

// Each address is throttled individually, and all together get fewer attempts: one each.
func TestThrottleBoundsWhatManyGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		guesses := func(login, address string) (n int) {
			for range 1000 {
				if wrong(th, login, address, "") == 0 {
					n++
				}
			}
			return n
		}
		n := 0
		for i := range 100 {
			n += guesses("admin", fmt.Sprintf("203.0.113.%d", i))
		}
		require.Equal(t, manyTries+100-manyTries/freeTries, n, "many addresses, one login")
		n = 0
		for i := range 100 {
			n += guesses(fmt.Sprint("login", i), "192.0.2.1")
		}
		require.Equal(t, manyTries+100-manyTries/freeTries, n, "one address, many logins")
		require.Equal(t, freeTries, func() (n int) {
			for range 1000 {
				if wrong(th, "admin", "192.0.2.1", "device stolen") == 0 {
					n++
				}
			}
			return n
		}(), "a stolen device is no way around")
		n = 0
		for range 24 * 60 {
			if wrong(th, "root", "198.51.100.1", "") == 0 {
				n++
			}
			time.Sleep(time.Minute)
		}
		require.Less(t, n, 120, "a day")
	})
}

func TestThrottleCountsWhatRuns(t *testing.T) {
	th := newThrottle()
	var running []*attempt
	for range 100 {
		if a, wait := th.begin(guest{"admin", "192.0.2.1", ""}); wait == 0 {
			running = append(running, a)
		}
	}
	require.Len(t, running, freeTries)
	for _, a := range running {
		a.dropped()
	}
	_, wait := th.begin(guest{"admin", "192.0.2.1", ""})
	require.Zero(t, wait, "what came to no end does not count")
}

func TestThrottleDoesNotForgiveAnAddressForAPasswordOfItsOwn(t *testing.T) {
	th := newThrottle()
	for i := range manyTries {
		require.Zero(t, wrong(th, fmt.Sprint("victim", i), "192.0.2.1", ""))
		a, wait := th.begin(guest{"mine", "192.0.2.1", ""})
		require.Zero(t, wait)
		a.passed()
	}
	require.Zero(t, wrong(th, "victim", "192.0.2.1", ""))
	require.NotZero(t, wrong(th, "victim", "192.0.2.1", ""))
}

func TestThrottleBoundsWhatIsAskedOfMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		g := guest{"admin", "192.0.2.1", ""}
		n := 0
		for range 1000 {
			if th.mayRecall(g) {
				n++
			}
			wrong(th, g.login, g.address, "")
		}
		require.Equal(t, freeTries+maxRecalls, n)
		time.Sleep(firstWait)
		require.True(t, th.mayRecall(g))
	})
}

func TestThrottleIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range freeTries {
			require.Zero(t, wrong(th, "admin", "192.0.2.1", ""))
		}
		for i := range 3 * maxEntries {
			if wait := wrong(th, fmt.Sprint("login", i), fmt.Sprint("address", i), ""); wait != 0 {
				t.Fatalf("the %dth has to wait %s", i, wait)
			}
		}
		require.LessOrEqual(t, len(th.entries), maxEntries)
		require.NotZero(t, wrong(th, "admin", "192.0.2.1", ""), "who waits is not forgotten for that")
	})
}

func TestThrottleTakesIPv6ByNetwork(t *testing.T) {
	require.Equal(t, Network("2001:db8::1"), Network("2001:db8::ffff"))
	require.NotEqual(t, Network("2001:db8::1"), Network("2001:db8:0:1::1"))
	require.Equal(t, "192.0.2.1", Network("::ffff:192.0.2.1"))
	require.Equal(t, "inproc", Network("inproc"))
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
		for range 10 {
			began := time.Now()
			require.ErrorIs(t, check(p.key("ab", ""), errWrong), errWrong)
			require.Equal(t, time.Second, time.Since(began), "as long as one that is compared")
			time.Sleep(rememberWrong / 2)
		}
		require.EqualValues(t, 2, calls.Load(), "the same wrong one is compared once")
		time.Sleep(rememberWrong)
		p.sweep()
		require.Empty(t, p.right)
		require.Empty(t, p.wrong)
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
	for peer, want := range map[string]string{"203.0.113.7:1234": "203.0.113.7", "[::1]:1234": "::1", "inproc": "inproc", "192.0.2.1": "192.0.2.1"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded"} {
			r.Header.Set(name, "198.51.100.1")
		}
		require.Equal(t, want, remoteOf(r), "headers are read by httpserver, which knows whose to believe")
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
