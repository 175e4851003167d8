package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-sockaddr"
	"github.com/prometheus/alertmanager/cluster"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// leaveTimeout bounds how long a stopping peer takes to tell the others that it leaves.
const leaveTimeout = 3 * time.Second

// join binds the cluster address; if there is none, there is no cluster.
func (e *engine) join(o ClusterOptions) error {
	if o.ListenAddress == "" {
		return nil
	}
	if err := o.checkAddress(); err != nil {
		return err
	}
	tls, err := cluster.GetTLSTransportConfig(o.TLSConfigFile)
	if err != nil {
		return fmt.Errorf("--cluster.tls-config: %w", err)
	}
	logger := upstreamlog.New(e.logger.With("component", "cluster"), upstreamlog.Rules{Record: e.complaints.record, Raises: true, Repeat: complainEvery})
	e.peer, err = cluster.Create(logger, e.options.Registerer, o.ListenAddress, o.AdvertiseAddress,
		o.Peers, true, o.PushPullInterval, o.GossipInterval, o.TCPTimeout, o.PeersResolveTimeout, o.ProbeTimeout, o.ProbeInterval,
		tls, o.AllowInsecurePublic, o.Label, o.PeerName)
	if err != nil {
		return fmt.Errorf("start the cluster on --cluster.listen-address=%s: %w", o.ListenAddress, err)
	}
	return nil
}

// checkAddress reports why no address can be advertised to the other peers. Upstream finds that out after it has bound the port, which
// it keeps, so that every later attempt would fail, also once there is an address.
func (c ClusterOptions) checkAddress() error {
	if c.AdvertiseAddress != "" {
		if _, err := netip.ParseAddrPort(c.AdvertiseAddress); err != nil {
			return fmt.Errorf("--cluster.advertise-address=%s: not an IP address and a port", c.AdvertiseAddress)
		}
		return nil
	}
	if listen, err := netip.ParseAddrPort(c.ListenAddress); err == nil && !listen.Addr().IsUnspecified() {
		return nil
	}
	ip, err := sockaddr.GetPrivateIP()
	if err == nil && ip == "" && c.AllowInsecurePublic {
		ip, err = sockaddr.GetPublicIP()
	}
	if err != nil || ip == "" {
		return errors.Join(errors.New("this host has no private IP address that can be advertised to the cluster: set --cluster.advertise-address"), err)
	}
	return nil
}

// meet contacts the other peers. The state to share must be registered before.
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

// wait returns how long this peer waits for the peers before it to send a notification.
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

// Member is a peer of the cluster, as this one sees it.
type Member struct {
	Name    string `json:"name"` // empty if it is not reached
	Address string `json:"address"`
	Self    bool   `json:"self"`
	Reached bool   `json:"reached"`
}

// Cluster returns the state of the cluster, "settling" or "ready", with its members and the addresses of --cluster.peer that are not
// reached, and what is wrong between members. Peers that are configured by name are not among those. The state is empty without a cluster.
func (s *Server) Cluster() (state string, members []Member, problems []string) {
	e := s.state.Load()
	if e == nil || e.peer == nil {
		return "", nil, nil
	}
	self, reached := e.peer.Name(), map[string]bool{}
	for _, m := range e.peer.Peers() {
		reached[m.Address()] = true
		members = append(members, Member{Name: m.Name(), Address: m.Address(), Self: m.Name() == self, Reached: true})
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	for _, address := range e.options.Cluster.Peers {
		if _, err := netip.ParseAddrPort(address); err == nil && !reached[address] {
			reached[address] = true // named once
			members = append(members, Member{Address: address})
		}
	}
	return e.peer.Status(), members, e.complaints.list(time.Now())
}

// Warnings returns what is wrong with the flags, but does not prevent a start.
func (c ClusterOptions) Warnings() (warnings []string) {
	if c.ListenAddress == "" && len(c.Peers) > 0 {
		warnings = append(warnings, "--cluster.peer has no effect: Alertmanager joins a cluster only with --cluster.listen-address, such as 0.0.0.0:9094")
	}
	return warnings
}
