// Package grafana has what Grafana's HTTP API has in common: callers, roles with their permissions, routes, responses, errors and
// UIDs.
//
// internal/auth and the packages below internal/component/dashboards use it. It knows none of them.
package grafana

import "slices"

// Role is one of Grafana's organization roles. Each includes the permissions of those before it.
type Role string

// The roles, from least to most privileged.
const (
	Viewer Role = "Viewer"
	Editor Role = "Editor"
	Admin  Role = "Admin"
)

// roles are sorted by privilege.
var roles = []Role{Viewer, Editor, Admin}

// Includes reports whether r may do what other may.
func (r Role) Includes(other Role) bool { return slices.Index(roles, r) >= slices.Index(roles, other) }

// Valid reports whether r is one of Grafana's roles.
func (r Role) Valid() bool { return slices.Contains(roles, r) }

// Permission is one of Grafana's actions.
type Permission string

// Requirements of routes that are not actions.
const (
	// SignedIn is granted to every caller with credentials.
	SignedIn Permission = ""
	// Public is granted without credentials.
	Public Permission = "public"
)

// permissions lists the actions by the least privileged role that has them. Routes are guarded by this table, and clients that
// check permissions before they show a button are answered from it.
var permissions = map[Role][]Permission{
	Viewer: {
		"dashboards:read", "folders:read", "annotations:read", "datasources:query", "datasources.id:read", "alert.rules:read",
		"alert.instances:read", "alert.notifications:read", "orgs:read", "orgs.preferences:read", "plugins.app:access",
	},
	Editor: {
		"dashboards:create", "dashboards:write", "dashboards:delete", "folders:create", "folders:write", "folders:delete",
		"annotations:create", "annotations:write", "annotations:delete", "datasources:explore", "snapshots:read",
		"library.panels:read", "alert.instances:create", "alert.instances:write",
	},
	Admin: {
		"datasources:read", "datasources:create", "datasources:write", "datasources:delete", "orgs:write", "orgs.preferences:write",
		"org.users:read", "org.users:add", "org.users:write", "org.users:remove",
		"users:read", "users:create", "users:write", "users:delete", "users:disable", "users:enable", "users.password:write",
		"users.permissions:read", "users.permissions:write", "users.logout:write",
		"serviceaccounts:read", "serviceaccounts:create", "serviceaccounts:write", "serviceaccounts:delete",
		"settings:read", "server.stats:read", "provisioning:reload",
	},
}

// Role returns the least privileged role that has the permission: "" if it is Public, Admin if it is not in the table.
func (p Permission) Role() Role {
	switch p {
	case Public:
		return ""
	case SignedIn:
		return Viewer
	}
	for role, list := range permissions {
		if slices.Contains(list, p) {
			return role
		}
	}
	return Admin
}

// Permissions returns all permissions of the role.
func (r Role) Permissions() []Permission {
	var all []Permission
	for _, role := range roles {
		if r.Includes(role) {
			all = append(all, permissions[role]...)
		}
	}
	return all
}
