package subscribers

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ausguck/ausguck/internal/bounds"
	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// List is the subscribers of one page.
type List struct {
	// Page is the name of the page, and Title its heading, which mails begin with.
	Page, Title string
	// Language is a key of languages.
	Language string
	// Receiver is the receiver of alertmanager.yml whose settings send its mails.
	Receiver string
	// URL is the address of the page in mails, and Path its path on this server, which links and forms begin with.
	URL, Path string
}

// Options configures Lists.
type Options struct {
	Logger *slog.Logger
	DB     *sql.DB
	// Send delivers a mail with the settings of a receiver.
	Send func(ctx context.Context, receiver string, m Mail) error
	// Network returns what the addresses of one client have in common, by which its requests are counted.
	Network func(address string) string
	// Lists returns the pages that have subscribers now.
	Lists func() []List
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

const (
	// requestRate and requestBurst limit the addresses that one network may enter.
	requestRate, requestBurst = rate.Limit(1.0 / 120), 10
	// maxRequests is how many mails to confirm an address gets within confirmWithin, from all pages.
	maxRequests = 3
	// maxUnconfirmed is how many requests to confirm are open at a time, of all pages.
	maxUnconfirmed = 1000
	// confirmWithin is how long the link in a mail can be used.
	confirmWithin = 24 * time.Hour
)

// Lists are the subscribers of all pages.
type Lists struct {
	options Options
	calm    *slog.Logger
	store   store
	clients *bounds.Rates
	wakeup  chan struct{}

	mtx   sync.Mutex
	busy  map[string]bool      // pages whose mails are being sent
	pause map[string]time.Time // when to try a page again after a failure
	fails map[string]int       // failures of a page in a row
}

// New returns lists. It opens nothing.
func New(o Options) *Lists {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Lists{
		options: o, calm: upstreamlog.New(o.Logger, upstreamlog.Rules{Repeat: time.Hour}), store: store{o.DB},
		clients: bounds.NewRates(requestRate, requestBurst), wakeup: make(chan struct{}, 1),
		busy: map[string]bool{}, pause: map[string]time.Time{}, fails: map[string]int{},
	}
}

// Prepare creates the tables.
func (l *Lists) Prepare(ctx context.Context) error { return l.store.prepare(ctx) }

// All returns the confirmed subscribers of a page, oldest first.
func (l *Lists) All(ctx context.Context, page string) ([]Subscriber, error) {
	return l.store.subscribers(ctx, page)
}

// Count returns how many confirmed subscribers a page has.
func (l *Lists) Count(ctx context.Context, page string) (int, error) { return l.store.count(ctx, page) }

// Remove ends a subscription; false if there is none with the ID.
func (l *Lists) Remove(ctx context.Context, page string, id int64) (bool, error) {
	return l.store.remove(ctx, page, id)
}

// Announce queues a mail to each subscriber of a page, within the transaction that changes what it is about. Call Wake after the
// commit.
func (l *Lists) Announce(ctx context.Context, tx *sql.Tx, page string, n Notice) error {
	return l.store.announce(ctx, tx, page, n, l.options.Now())
}

// Wake sends what is queued.
func (l *Lists) Wake() {
	select {
	case l.wakeup <- struct{}{}:
	default:
	}
}
