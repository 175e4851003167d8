package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

var types = []string{
	"git.pullrequest.created", "git.pullrequest.created", "git.pullrequest.updated", "git.push", "git.push",
	"ms.vss-code.git-pullrequest-comment-event", "workitem.updated", "build.complete",
}

// load sends webhooks: few at night and many by day, one in thirty of them invalid in some way.
func (s *StandIns) load(ctx context.Context) error {
	subscription := fmt.Sprintf("%08x-0000-4000-8000-%012x", rand.Uint32(), rand.Uint64()&0xffffffffffff)
	for id := 1; ; id++ {
		day := float64(time.Now().UnixNano()%int64(s.config.Day)) / float64(s.config.Day)
		rate := s.config.Rate * (1 - 0.8*math.Cos(2*math.Pi*day))
		pause := time.Minute
		if rate > 0 {
			pause = min(pause, time.Duration(rand.ExpFloat64()/rate*float64(time.Second)))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		if s.config.Rate > 0 {
			go s.send(ctx, subscription, id)
		}
	}
}

func (s *StandIns) send(ctx context.Context, subscription string, id int) {
	eventType, password, cut := types[rand.N(len(types))], s.config.Password, 0
	switch rand.N(120) {
	case 0:
		password = "wrong"
	case 1:
		eventType = "git.something.new"
	case 2:
		cut = 40 // bytes
	case 3:
		id = max(1, id-1) // send it again
	}
	in := `"repository":{"id":"fabrikam","project":{"name":"Fabrikam"}}`
	resource := fmt.Sprintf(`{"pullRequestId":%d,%s}`, id, in)
	if strings.Contains(eventType, "comment") {
		resource = fmt.Sprintf(`{"comment":{"content":"again, please"},"pullRequest":%s}`, resource)
	}
	body := fmt.Sprintf(`{"subscriptionId":%q,"notificationId":%d,"id":"%d","eventType":%q,"publisherId":"tfs","resource":%s,"createdDate":%q}`,
		subscription, id, id, eventType, resource, time.Now().UTC().Format(time.RFC3339))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.Gateway+"/webhook", strings.NewReader(body[:len(body)-cut]))
	if err != nil {
		return // the URL was checked at the start
	}
	r.SetBasicAuth(s.config.Username, password)
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(r)
	if err != nil {
		s.base.Logger.WarnContext(ctx, "Gateway does not answer", "err", err)
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // so that the connection is reused
}
