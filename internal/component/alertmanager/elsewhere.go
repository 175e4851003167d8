package alertmanager

import (
	"context"
	"time"

	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/notify"
)

// sentLog is the notification log of a cluster, which contains what the other peers have sent. Upstream reads it before the first attempt
// and not between attempts, so peers whose receiver was away each send the message when it returns
// (https://github.com/prometheus/alertmanager/issues/4108).
type sentLog struct{ *nflog.Log }

// last returns the last notification of the group of a message to an integration, by any peer; nil if there is none.
func (l sentLog) last(ctx context.Context, receiver string, integration *notify.Integration) *nflogpb.Entry {
	group, ok := notify.GroupKey(ctx)
	if l.Log == nil || !ok {
		return nil
	}
	to := &nflogpb.Receiver{GroupName: receiver, Integration: integration.Name(), Idx: uint32(integration.Index())} //nolint:gosec // it counts the integrations of a receiver
	entries, err := l.Query(nflog.QGroupKey(group), nflog.QReceiver(to))
	if err != nil || len(entries) != 1 { // not found
		return nil
	}
	return entries[0]
}

// covers reports whether a notification that was sent after the others at a time says all that a message says. Both times are those of
// the log, so the clocks of peers need not agree.
func covers(ctx context.Context, entry *nflogpb.Entry, after time.Time) bool {
	firing, ok := notify.FiringAlerts(ctx)
	if !ok || entry == nil || entry.Timestamp.AsTime().Equal(after) {
		return false
	}
	resolved, _ := notify.ResolvedAlerts(ctx)
	return entry.IsFiringSubset(setOf(firing)) && entry.IsResolvedSubset(setOf(resolved))
}

func setOf(hashes []uint64) map[uint64]struct{} {
	set := make(map[uint64]struct{}, len(hashes))
	for _, h := range hashes {
		set[h] = struct{}{}
	}
	return set
}

func timeOf(entry *nflogpb.Entry) time.Time {
	if entry == nil {
		return time.Time{}
	}
	return entry.Timestamp.AsTime()
}
