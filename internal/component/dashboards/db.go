package dashboards

// migrations create the tables of this part. Never change a released step.
var migrations = []string{`
CREATE TABLE datasources (
	uid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL, secure TEXT NOT NULL
) STRICT;
CREATE TABLE annotations (
	id INTEGER PRIMARY KEY AUTOINCREMENT, dashboard_uid TEXT NOT NULL, panel_id INTEGER NOT NULL,
	user_id INTEGER NOT NULL, login TEXT NOT NULL, email TEXT NOT NULL,
	time INTEGER NOT NULL, time_end INTEGER NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL,
	created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE INDEX annotations_time ON annotations (time, time_end);
CREATE INDEX annotations_dashboard ON annotations (dashboard_uid, panel_id, time);
CREATE TABLE annotation_tags (
	annotation_id INTEGER NOT NULL REFERENCES annotations (id) ON DELETE CASCADE, tag TEXT NOT NULL,
	PRIMARY KEY (annotation_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX annotation_tags_tag ON annotation_tags (tag);
CREATE TABLE stars (
	user_uid TEXT NOT NULL, dashboard_uid TEXT NOT NULL, PRIMARY KEY (user_uid, dashboard_uid)
) STRICT, WITHOUT ROWID;
CREATE TABLE preferences (owner TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE short_urls (
	uid TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`}
