package subscribers

import (
	"context"
	"sync"
	"time"
)

const (
	// lookEvery is how often mails that are due are looked for, and forgetEvery how often old rows are removed.
	lookEvery, forgetEvery = 5 * time.Second, time.Hour
	// firstRetry is when a mail is sent again after a failure; the time doubles up to maxRetry.
	firstRetry, maxRetry = 30 * time.Second, time.Hour
	// giveUpAfter is when a mail that cannot be sent is dropped.
	giveUpAfter = 24 * time.Hour
	// firstPause is how long a page waits after a failure, because its server probably refuses all mails; it doubles up to maxPause.
	firstPause, maxPause = 10 * time.Second, 5 * time.Minute
)

// Run sends mails until ctx ends. The pages do not wait for each other.
func (l *Lists) Run(ctx context.Context) {
	look, forget := time.NewTicker(lookEvery), time.NewTicker(forgetEvery)
	defer look.Stop()
	defer forget.Stop()
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		for _, list := range l.options.Lists() {
			if l.begin(list.Page) {
				sending.Go(func() {
					defer l.end(list.Page)
					l.send(ctx, list)
				})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		case <-l.wakeup:
		case <-forget.C:
			if err := l.store.forget(ctx, l.options.Now()); err != nil && ctx.Err() == nil {
				l.calm.Warn("Old rows of subscribers are not removed", "err", err)
			}
		}
	}
}

func (l *Lists) begin(page string) bool {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if l.busy[page] || l.options.Now().Before(l.pause[page]) {
		return false
	}
	l.busy[page] = true
	return true
}

func (l *Lists) end(page string) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	delete(l.busy, page)
}

// send sends the mails of a page that are due, until one fails.
func (l *Lists) send(ctx context.Context, list List) {
	for ctx.Err() == nil {
		m, err := l.store.next(ctx, list.Page, l.options.Now())
		if err == nil && m == nil {
			return
		}
		if err == nil {
			err = l.handle(ctx, list, m)
		}
		l.count(list.Page, err)
		if err != nil {
			if ctx.Err() == nil {
				l.calm.Warn("Mails to the subscribers of a status page are not sent; they will be retried for a day", "page", list.Page, "receiver", list.Receiver, "err", err)
			}
			return
		}
	}
}

// count notes the outcome of a mail.
func (l *Lists) count(page string, err error) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if err == nil {
		delete(l.fails, page)
		return
	}
	l.pause[page] = l.options.Now().Add(backOff(firstPause, maxPause, l.fails[page]))
	l.fails[page]++
}

func backOff(first, longest time.Duration, failures int) time.Duration {
	return min(first<<min(failures, 20), longest)
}

// handle sends a mail and removes it from the queue. If the program ends in between, it is sent again.
func (l *Lists) handle(ctx context.Context, list List, m *queued) error {
	now := l.options.Now()
	if now.Sub(m.since) > giveUpAfter {
		l.options.Logger.Error("Mail to a subscriber of a status page dropped: it could not be sent for a day", "page", list.Page, "receiver", list.Receiver, "attempts", m.attempts)
		return l.store.done(ctx, m)
	}
	letter, send, err := l.letter(ctx, list, m, now)
	if err != nil {
		return err
	}
	if send {
		if err := l.options.Send(ctx, list.Receiver, letter); err != nil {
			if later := l.store.later(ctx, m, now.Add(backOff(firstRetry, maxRetry, m.attempts))); later != nil && ctx.Err() == nil {
				l.calm.Warn("The time of the next attempt is not stored", "err", later)
			}
			return err
		}
	}
	return l.store.done(ctx, m)
}

// letter returns the mail for an entry of the queue; false if it must not be sent.
func (l *Lists) letter(ctx context.Context, list List, m *queued, now time.Time) (letter Mail, send bool, err error) {
	if m.notice != nil {
		letter, err = list.noticeMail(m.address, m.token, *m.notice)
		return letter, true, err
	}
	token, reason, err := l.store.begin(ctx, list.Page, *m, now)
	if err != nil {
		return letter, false, err
	}
	if token == "" {
		if reason != "known" {
			l.calm.Warn("Request to subscribe to a status page ignored", "page", list.Page, "reason", reason)
		}
		return letter, false, nil
	}
	letter, err = list.confirmMail(m.address, token)
	return letter, true, err
}
