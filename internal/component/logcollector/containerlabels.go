package logcollector

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/util/strutil"
)

const (
	labelContainer     = "__meta_docker_container_"
	labelContainerName = labelContainer + "name"
	labelNetwork       = "__meta_docker_network_"
	labelPort          = "__meta_docker_port_"
)

// labels returns the labels that docker_sd_configs gives a container, nil if the filters exclude it. docker_sd_configs
// creates a target for each network and port; lines belong to the container, so they get its first network and lowest
// port.
func (c *containers) labels(ctx context.Context, cli *client.Client, inspected container.InspectResponse) (model.LabelSet, error) {
	items, err := c.ask(ctx, cli, inspected.ID)
	if err != nil {
		return nil, err
	}
	var item container.Summary
	switch i := slices.IndexFunc(items, func(s container.Summary) bool { return s.ID == inspected.ID }); {
	case i >= 0:
		item = items[i]
	case len(c.sd.Filters) == 0: // removed since it was inspected
		item = summaryOf(inspected)
	default:
		return nil, nil
	}
	if len(item.Ports) == 0 { // a container that has ended has no ports in the list, and its labels would change when it ends
		item.Ports = exposedPorts(inspected.Config.ExposedPorts)
	}
	set := commonLabels(item)
	endpoint, err := c.endpoint(ctx, cli, item)
	if err != nil {
		return nil, err
	}
	if endpoint != nil && endpoint.NetworkID != "" {
		described, err := networkLabels(ctx, cli, endpoint.NetworkID)
		if err != nil {
			return nil, err
		}
		maps.Copy(set, described)
	}
	c.address(set, item, endpoint)
	return set, nil
}

// summaryOf returns what a list would contain about a container.
func summaryOf(inspected container.InspectResponse) container.Summary {
	s := container.Summary{ID: inspected.ID, Names: []string{inspected.Name}, Labels: inspected.Config.Labels}
	if inspected.HostConfig != nil {
		s.HostConfig.NetworkMode = string(inspected.HostConfig.NetworkMode)
	}
	if inspected.NetworkSettings != nil {
		s.NetworkSettings = &container.NetworkSettingsSummary{Networks: inspected.NetworkSettings.Networks}
	}
	return s
}

// commonLabels returns the labels that do not depend on networks.
func commonLabels(item container.Summary) model.LabelSet {
	set := model.LabelSet{
		labelContainer + "id":           model.LabelValue(item.ID),
		labelContainer + "network_mode": model.LabelValue(item.HostConfig.NetworkMode),
	}
	if len(item.Names) > 0 {
		set[labelContainerName] = model.LabelValue(item.Names[0])
	}
	for name, value := range item.Labels {
		set[model.LabelName(labelContainer+"label_"+strutil.SanitizeLabelName(name))] = model.LabelValue(value)
	}
	return set
}

// labelsOfEvent returns the labels of a container that is gone. An event contains its labels among other attributes.
func labelsOfEvent(a *events.Actor) model.LabelSet {
	set := model.LabelSet{labelContainer + "id": model.LabelValue(a.ID), labelContainerName: model.LabelValue("/" + a.Attributes["name"])}
	for name, value := range a.Attributes {
		if name != "name" && name != "image" {
			set[model.LabelName(labelContainer+"label_"+strutil.SanitizeLabelName(name))] = model.LabelValue(value)
		}
	}
	return set
}

// endpoint returns a container's first network by name, or that of the container whose network it shares.
func (c *containers) endpoint(ctx context.Context, cli *client.Client, item container.Summary) (*network.EndpointSettings, error) {
	for range 8 { // chains of containers are short, and must not form a loop
		if item.NetworkSettings != nil {
			for _, name := range slices.Sorted(maps.Keys(item.NetworkSettings.Networks)) {
				if n := item.NetworkSettings.Networks[name]; n != nil {
					return n, nil
				}
			}
		}
		mode := container.NetworkMode(item.HostConfig.NetworkMode)
		if !mode.IsContainer() {
			return nil, nil
		}
		list, err := cli.ContainerList(ctx, client.ContainerListOptions{Filters: make(client.Filters).Add("id", mode.ConnectedContainer())})
		if err != nil {
			return nil, fmt.Errorf("list containers: %w", err)
		}
		i := slices.IndexFunc(list.Items, func(s container.Summary) bool { return s.ID == mode.ConnectedContainer() })
		if i < 0 {
			return nil, nil
		}
		item = list.Items[i]
	}
	return nil, nil
}

// networkLabels returns the labels that describe a network.
func networkLabels(ctx context.Context, cli *client.Client, id string) (model.LabelSet, error) {
	list, err := cli.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("id", id)})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	set := model.LabelSet{}
	for _, n := range list.Items {
		if n.ID != id {
			continue
		}
		set[labelNetwork+"id"], set[labelNetwork+"name"] = model.LabelValue(n.ID), model.LabelValue(n.Name)
		set[labelNetwork+"scope"] = model.LabelValue(n.Scope)
		set[labelNetwork+"internal"] = model.LabelValue(strconv.FormatBool(n.Internal))
		set[labelNetwork+"ingress"] = model.LabelValue(strconv.FormatBool(n.Ingress))
		for name, value := range n.Labels {
			set[model.LabelName(labelNetwork+"label_"+strutil.SanitizeLabelName(name))] = model.LabelValue(value)
		}
	}
	return set, nil
}

// address adds the labels of the first network and of the lowest port.
func (c *containers) address(set model.LabelSet, item container.Summary, endpoint *network.EndpointSettings) {
	ip := ""
	if endpoint != nil {
		if endpoint.IPAddress.IsValid() {
			ip = endpoint.IPAddress.String()
		}
		set[labelNetwork+"ip"] = model.LabelValue(ip)
	}
	var lowest *container.PortSummary
	for i, p := range item.Ports {
		if p.Type == "tcp" && (lowest == nil || p.PrivatePort < lowest.PrivatePort) {
			lowest = &item.Ports[i]
		}
	}
	port := strconv.Itoa(c.sd.Port)
	if lowest != nil {
		port = strconv.Itoa(int(lowest.PrivatePort))
		set[labelPort+"private"] = model.LabelValue(port)
		if lowest.PublicPort > 0 {
			set[labelPort+"public"] = model.LabelValue(strconv.Itoa(int(lowest.PublicPort)))
			public := ""
			if lowest.IP.IsValid() {
				public = lowest.IP.String()
			}
			set[labelPort+"public_ip"] = model.LabelValue(public)
		}
	}
	address := net.JoinHostPort(ip, port)
	if lowest == nil && item.HostConfig.NetworkMode == "host" {
		address = c.sd.HostNetworkingHost
	}
	set[model.AddressLabel] = model.LabelValue(address)
}

// exposedPorts returns the ports of a container that does not run.
func exposedPorts(ports network.PortSet) (list []container.PortSummary) {
	for p := range ports {
		list = append(list, container.PortSummary{PrivatePort: p.Num(), Type: strings.ToLower(string(p.Proto()))})
	}
	return list
}
