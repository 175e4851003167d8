package auth

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Results of password checks; cached correct passwords are not counted again.
const (
	resultOK        = "ok"
	resultWrong     = "wrong"
	resultThrottled = "throttled"
)

type metrics struct{ logins *prometheus.CounterVec }

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{logins: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "ausguck_auth_logins_total",
		Help: "Password checks at login or with a request, by result.",
	}, []string{"result"})}
	for _, result := range []string{resultOK, resultWrong, resultThrottled} {
		m.logins.WithLabelValues(result) // initialize the counter, so that an alert sees the first increase
	}
	return m
}
