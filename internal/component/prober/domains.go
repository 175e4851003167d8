package prober

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/rdap"
)

const (
	// askEvery is how often a registry is asked about a domain, to which up to askSpread is added.
	askEvery  = 12 * time.Hour
	askSpread = 2 * time.Hour
	// askFirstRetry is the delay after a lookup that failed. It doubles with each further one, up to askEvery.
	askFirstRetry = 15 * time.Minute
	// askSpacing is the time between two requests, whatever they are about.
	askSpacing = time.Second
	// maxRetryAfter limits what a server may ask to wait.
	maxRetryAfter = 24 * time.Hour
	// bootstrapEvery is how long a bootstrap file is used at least, and bootstrapRetry the delay after a failed request for it.
	bootstrapEvery = 24 * time.Hour
	bootstrapRetry = time.Hour
	// maxBootstrapAge limits how long the server of the bootstrap file may have it used.
	maxBootstrapAge = 7 * 24 * time.Hour
	// forgetAfter is how long a domain that no probe has any more is kept.
	forgetAfter = 30 * 24 * time.Hour
)

// domainState is what is known about the registration of a domain.
type domainState struct {
	// Expires is zero if it is not known.
	Expires time.Time
	// Problem is why the last lookup did not find it; empty if it did.
	Problem string
	// Next is when the registry may be asked again.
	Next     time.Time
	failures int // lookups that failed in a row
}

// domains asks registries when domains expire, rarely, and keeps the answers in the database.
type domains struct {
	db        *sql.DB
	logger    *slog.Logger
	client    *rdap.Client
	bootstrap string // the URL of the bootstrap file; empty asks nobody
	lookups   *prometheus.CounterVec
	changed   chan struct{} // receives a value when the domains of probes may have changed

	mtx   sync.Mutex
	known map[string]domainState

	// Of run only.
	servers     rdap.Servers
	file        rdap.File
	fileExpires time.Time
	fileErr     error // of the last request for the bootstrap file
}

func newDomains(o Options, refuse func(context.Context, netip.AddrPort) error) *domains {
	d := &domains{
		db: o.DB, logger: o.Logger, client: rdap.New(refuse), bootstrap: o.RDAPBootstrap, changed: make(chan struct{}, 1), known: map[string]domainState{},
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_prober_domain_lookups_total",
			Help: "Lookups of when a domain expires: known, unknown (the registry does not publish it) or failed.",
		}, []string{"result"}),
	}
	for _, result := range []string{"known", "unknown", "failed"} {
		d.lookups.WithLabelValues(result)
	}
	return d
}

// state returns what is known about a domain.
func (d *domains) state(domain string) domainState {
	d.mtx.Lock()
	defer d.mtx.Unlock()
	return d.known[domain]
}

// wake makes run look at the wanted domains again.
func (d *domains) wake() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// run asks for the wanted domains until ctx ends.
func (d *domains) run(ctx context.Context, wanted func() []string) {
	for {
		wait := time.NewTimer(d.step(ctx, time.Now(), wanted()))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-d.changed:
			wait.Stop()
		case <-wait.C:
		}
	}
}

// step asks for the wanted domain that is due first, if there is one, and returns the time until the next step.
func (d *domains) step(ctx context.Context, now time.Time, wanted []string) (wait time.Duration) {
	wait = askEvery
	var first string
	for _, domain := range wanted {
		until := d.state(domain).Next.Sub(now)
		if until > askEvery+askSpread+maxRetryAfter { // the clock was ahead when it was set
			until = 0
		}
		if until < wait {
			wait, first = until, domain
		}
	}
	if wait > 0 {
		return wait
	}
	d.ask(ctx, now, first, wanted)
	return askSpacing
}

// ask looks up one domain and keeps the result.
func (d *domains) ask(ctx context.Context, now time.Time, domain string, wanted []string) {
	before := d.state(domain)
	after := domainState{Expires: before.Expires, Next: now.Add(askEvery + rand.N(askSpread))}
	base, expires, err := d.lookup(ctx, now, domain)
	if ctx.Err() != nil {
		return
	}
	var busy rdap.RateLimited
	result := "known"
	switch {
	case err == nil:
		after.Expires = expires
	case errors.Is(err, rdap.ErrNoExpiration):
		result, after.Expires = "unknown", time.Time{}
	case errors.As(err, new(rdap.NoServer)), errors.Is(err, rdap.ErrNotRegistered):
		result = "unknown"
	default:
		result, after.failures = "failed", before.failures+1
		retry := min(askFirstRetry<<min(before.failures, 10), askEvery)
		after.Next = now.Add(retry + rand.N(retry/5))
	}
	if errors.As(err, &busy) {
		after.Next = laterOf(after.Next, now.Add(min(busy.RetryAfter, maxRetryAfter)+rand.N(askFirstRetry)))
		d.postpone(ctx, hostOfURL(base), domain, wanted, after.Next)
	}
	d.lookups.WithLabelValues(result).Inc()
	if err != nil {
		after.Problem = err.Error()
		if after.Problem != before.Problem {
			d.logger.Warn("It is not known when a domain expires", "domain", domain, "err", err, "asked_again", after.Next.UTC().Format(time.RFC3339))
		}
	}
	d.keep(ctx, domain, after)
}

// postpone makes the other domains of a server wait that limits the rate of requests.
func (d *domains) postpone(ctx context.Context, server, asked string, wanted []string, until time.Time) {
	for _, domain := range wanted {
		base, err := d.servers.For(domain)
		if err != nil || domain == asked || hostOfURL(base) != server {
			continue
		}
		if s := d.state(domain); s.Next.Before(until) {
			s.Next = until.Add(rand.N(askFirstRetry))
			d.keep(ctx, domain, s)
		}
	}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func hostOfURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

var errNotAsked = errors.New("no registry is asked: --prober.rdap-bootstrap is empty")

// lookup returns when a domain expires, and the base URL of the server that was asked.
func (d *domains) lookup(ctx context.Context, now time.Time, domain string) (base string, expires time.Time, err error) {
	if d.bootstrap == "" {
		return "", expires, errNotAsked
	}
	if err := d.refresh(ctx, now); err != nil {
		return "", expires, err
	}
	if base, err = d.servers.For(domain); err != nil {
		return "", expires, err
	}
	expires, err = d.client.Expiration(ctx, base, domain)
	return base, expires, err
}

// refresh fetches the bootstrap file if that is due. A failure is an error only if there is no earlier one.
func (d *domains) refresh(ctx context.Context, now time.Time) error {
	if left := d.fileExpires.Sub(now); left > 0 && left <= maxBootstrapAge {
		return d.fileErr
	}
	file, err := d.client.Bootstrap(ctx, d.bootstrap, d.file)
	var servers rdap.Servers
	if err == nil {
		servers, err = rdap.ParseBootstrap(file.Content)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		d.fileExpires = now.Add(bootstrapRetry)
		if d.servers != nil {
			d.logger.Warn("Fetching the list of registries failed; the earlier one is used", "err", err)
			return nil
		}
		d.fileErr = &bootstrapError{err}
		return d.fileErr
	}
	d.servers, d.file, d.fileErr = servers, file, nil
	d.fileExpires = now.Add(min(max(bootstrapEvery, file.MaxAge), maxBootstrapAge))
	_, err = d.db.ExecContext(ctx, `INSERT OR REPLACE INTO prober_rdap_bootstrap (one, url, content, etag, last_modified, expires) VALUES (1, ?, ?, ?, ?, ?)`,
		d.bootstrap, file.Content, file.ETag, file.LastModified, d.fileExpires.Unix())
	if err != nil {
		d.logger.Warn("Saving the list of registries failed; it is fetched again after a restart", "err", err)
	}
	return nil
}

// bootstrapError is the error of a request for the bootstrap file.
type bootstrapError struct{ err error }

func (e *bootstrapError) Error() string { return "fetch the list of registries: " + e.err.Error() }
func (e *bootstrapError) Unwrap() error { return e.err }

// keep stores the state of a domain.
func (d *domains) keep(ctx context.Context, domain string, s domainState) {
	d.mtx.Lock()
	d.known[domain] = s
	d.mtx.Unlock()
	_, err := d.db.ExecContext(ctx, `INSERT OR REPLACE INTO prober_domain (domain, expires, problem, next, failures) VALUES (?, ?, ?, ?, ?)`,
		domain, unixOrNull(s.Expires), s.Problem, s.Next.Unix(), s.failures)
	if err != nil {
		d.logger.Warn("Saving when a domain expires failed; the registry is asked again after a restart", "domain", domain, "err", err)
	}
}

func unixOrNull(at time.Time) sql.Null[int64] {
	return sql.Null[int64]{V: at.Unix(), Valid: !at.IsZero()}
}

// load reads what an earlier run has stored, and removes what is old.
func (d *domains) load(ctx context.Context, now time.Time) (err error) {
	if _, err := d.db.ExecContext(ctx, "DELETE FROM prober_domain WHERE next < ?", now.Add(-forgetAfter).Unix()); err != nil {
		return err
	}
	rows, err := d.db.QueryContext(ctx, "SELECT domain, expires, problem, next, failures FROM prober_domain")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	d.mtx.Lock()
	defer d.mtx.Unlock()
	for rows.Next() {
		var domain string
		var s domainState
		var expires sql.Null[int64]
		var next int64
		if err := rows.Scan(&domain, &expires, &s.Problem, &next, &s.failures); err != nil {
			return err
		}
		s.Next = time.Unix(next, 0)
		if expires.Valid {
			s.Expires = time.Unix(expires.V, 0)
		}
		d.known[domain] = s
	}
	return cmp.Or(rows.Err(), d.loadBootstrap(ctx))
}

// loadBootstrap reads the bootstrap file that an earlier run has stored, if it is from the same URL.
func (d *domains) loadBootstrap(ctx context.Context) error {
	var expires int64
	err := d.db.QueryRowContext(ctx, "SELECT content, etag, last_modified, expires FROM prober_rdap_bootstrap WHERE url = ?", d.bootstrap).
		Scan(&d.file.Content, &d.file.ETag, &d.file.LastModified, &expires)
	if err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	}
	if d.servers, err = rdap.ParseBootstrap(d.file.Content); err != nil {
		d.file = rdap.File{} // of another version, or damaged
		return nil           //nolint:nilerr // it is fetched again
	}
	d.fileExpires = time.Unix(expires, 0)
	return nil
}
