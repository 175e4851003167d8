package alertmanager

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/cluster"
)

// leaveTimeout bounds how long a stopping peer tells the others that it goes.
const leaveTimeout = 3 * time.Second

// join binds the address of the cluster; without one there is no cluster.
func (e *engine) join(o ClusterOptions) error {
	if o.ListenAddress == "" {
		return nil
	}
	tls, err := cluster.GetTLSTransportConfig(o.TLSConfigFile)
	if err != nil {
		return fmt.Errorf("--cluster.tls-config: %w", err)
	}
	e.peer, err = cluster.Create(e.logger.With("component", "cluster"), e.options.Registerer, o.ListenAddress, o.AdvertiseAddress,
		o.Peers, true, o.PushPullInterval, o.GossipInterval, o.TCPTimeout, o.PeersResolveTimeout, o.ProbeTimeout, o.ProbeInterval,
		tls, o.AllowInsecurePublic, o.Label, o.PeerName)
	if err != nil {
		return fmt.Errorf("start the cluster on --cluster.listen-address=%s: %w", o.ListenAddress, err)
	}
	return nil
}

// meet looks for the other peers. The state to share has to be registered before.
func (e *engine) meet(o ClusterOptions) {
	if e.peer == nil {
		return
	}
	if err := e.peer.Join(o.ReconnectInterval, o.ReconnectTimeout); err != nil {
		e.logger.Warn("Cannot join the cluster; retrying", "err", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.SettleTimeout)
	go func() {
		defer cancel()
		e.peer.Settle(ctx, o.GossipInterval*10)
	}()
}

// wait is how long this peer leaves it to those before it to send a notification.
func (e *engine) wait() time.Duration {
	if e.peer == nil {
		return 0
	}
	return time.Duration(e.peer.Position()) * e.options.Cluster.PeerTimeout
}

func (e *engine) leave() {
	if e.peer == nil {
		return
	}
	if err := e.peer.Leave(leaveTimeout); err != nil {
		e.logger.Warn("Cannot announce the shutdown to the cluster", "err", err)
	}
}
