package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ausguck/ausguck/codeagent/internal/queue"
)

// event is the envelope of an Azure DevOps service hook. Fields that its subscription trims are empty.
type event struct {
	SubscriptionID string          `json:"subscriptionId"`
	NotificationID json.RawMessage `json:"notificationId"` // a number
	ID             string          `json:"id"`
	EventType      string          `json:"eventType"`
	PublisherID    string          `json:"publisherId"`
	Resource       json.RawMessage `json:"resource"`
}

// eventTypes are the event types that Azure DevOps documents.
var eventTypes = func() map[string]bool {
	known := map[string]bool{}
	for _, name := range strings.Fields(`
		build.complete
		git.push git.pullrequest.created git.pullrequest.updated git.pullrequest.merged
		ms.vss-code.git-pullrequest-comment-event
		git.repo.created git.repo.deleted git.repo.forked git.repo.renamed git.repo.statuschanged
		tfvc.checkin
		workitem.created workitem.updated workitem.deleted workitem.restored workitem.commented
		ms.vss-release.release-created-event ms.vss-release.release-abandoned-event
		ms.vss-release.deployment-started-event ms.vss-release.deployment-completed-event
		ms.vss-release.deployment-approval-pending-event ms.vss-release.deployment-approval-completed-event
		ms.vss-pipelines.run-state-changed-event ms.vss-pipelines.stage-state-changed-event
		ms.vss-pipelines.job-state-changed-event
		ms.vss-pipelinechecks-events.approval-pending ms.vss-pipelinechecks-events.approval-completed
		message.posted elasticagentpool.resized`) {
		known[name] = true
	}
	return known
}()

// otherEvent is the label of undocumented events.
const otherEvent = "other"

func (e event) label() string {
	if eventTypes[e.EventType] {
		return e.EventType
	}
	return otherEvent
}

// sample reports whether the event comes from the Test button, whose envelope is always the same.
func (e event) sample() bool { return e.SubscriptionID == "00000000-0000-0000-0000-000000000000" }

// parse parses one event. It only returns an error for a body that cannot be an event.
func parse(body []byte) (event, error) {
	var e event
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&e); err != nil {
		return event{}, fmt.Errorf("body is no event: %w", err)
	}
	if d.More() {
		return event{}, errors.New("body is no event: something follows it")
	}
	if e.EventType == "" {
		return event{}, errors.New("body is no event: it has no eventType")
	}
	return e, nil
}

// key identifies the notification. Azure DevOps uses the same two IDs when it sends the notification again.
func (e event) key(body []byte) queue.Key {
	switch {
	case e.SubscriptionID != "" && len(e.NotificationID) > 0 && string(e.NotificationID) != "null":
		return queue.KeyOf("notification", strings.ToLower(e.SubscriptionID), strings.Trim(string(e.NotificationID), `"`))
	case e.ID != "":
		return queue.KeyOf("event", e.SubscriptionID, e.ID)
	default:
		return queue.KeyOf("body", string(body))
	}
}
