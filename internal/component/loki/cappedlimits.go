package loki

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/grafana/loki/v3/pkg/validation"
	"github.com/prometheus/common/model"
)

// cappedLimits are the limits of tenants, shortened to the time from which on the size cap has not deleted: retention
// removes what is older from the index, and queries do not read it in the meantime.
type cappedLimits struct {
	cap      *sizeCap
	defaults validation.Limits
	inner    validation.TenantLimits // of runtime_config, nil if there is none

	mtx   sync.Mutex
	cache map[*validation.Limits]cappedAt
}

type cappedAt struct {
	until  time.Time
	limits *validation.Limits
}

var _ validation.TenantLimits = (*cappedLimits)(nil)

// TenantLimits implements validation.TenantLimits; nil means the defaults.
func (l *cappedLimits) TenantLimits(userID string) *validation.Limits {
	var limits *validation.Limits
	if l.inner != nil {
		limits = l.inner.TenantLimits(userID)
	}
	return l.capped(limits)
}

// AllByUserID implements validation.TenantLimits.
func (l *cappedLimits) AllByUserID() map[string]*validation.Limits {
	if l.inner == nil {
		return nil
	}
	all := maps.Clone(l.inner.AllByUserID())
	for id, limits := range all {
		all[id] = l.capped(limits)
	}
	return all
}

// capped returns the limits with a shorter retention. They are requested several times per line, so the copy is cached
// for a second.
func (l *cappedLimits) capped(limits *validation.Limits) *validation.Limits {
	oldest, deleted := l.cap.deletedBefore()
	if !deleted {
		return limits
	}
	l.mtx.Lock()
	defer l.mtx.Unlock()
	now := time.Now()
	if at, ok := l.cache[limits]; ok && now.Before(at.until) {
		return at.limits
	}
	short := l.defaults
	if limits != nil {
		short = *limits
	}
	past := model.Duration(now.Sub(oldest).Truncate(time.Second))
	past = max(past, model.Duration(time.Second))
	shorten := func(d *model.Duration) {
		if *d == 0 || *d > past {
			*d = past
		}
	}
	shorten(&short.RetentionPeriod)
	shorten(&short.MaxQueryLookback)
	short.StreamRetention = slices.Clone(short.StreamRetention)
	for i := range short.StreamRetention {
		shorten(&short.StreamRetention[i].Period)
	}
	if len(l.cache) > 1000 {
		clear(l.cache)
	}
	l.cache[limits] = cappedAt{now.Add(time.Second), &short}
	return &short
}
