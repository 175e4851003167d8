package loki

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/grafana/dskit/flagext"
)

const filesystem = "filesystem"

// objectStore returns the name of the object store of the newest lines, "" if they are stored in files.
func (c *Config) objectStore() string {
	if len(c.SchemaConfig.Configs) == 0 {
		return ""
	}
	return onNetwork(c.SchemaConfig.Configs[len(c.SchemaConfig.Configs)-1].ObjectType)
}

func onNetwork(store string) string {
	if store == filesystem {
		return ""
	}
	return store
}

// chunkFolder returns the folder of the chunks if some period stores them as files, otherwise "".
func chunkFolder(c *Config) string {
	for _, p := range c.SchemaConfig.Configs {
		if p.ObjectType == filesystem {
			return *c.fileStore()
		}
	}
	return ""
}

// fileStore is the folder of periods in files. Loki has two sets of clients for object stores, each with its own options.
func (c *Config) fileStore() *string {
	if c.StorageConfig.UseThanosObjstore {
		return &c.StorageConfig.ObjectStore.Filesystem.Directory
	}
	return &c.StorageConfig.FSConfig.Directory
}

// ruleStore is where the ruler reads LogQL rules from.
type ruleStore struct {
	key  string // of the section in the file
	kind string // "local" if they are files
	dir  *string
}

func (c *Config) ruleStore() ruleStore {
	if c.StorageConfig.UseThanosObjstore {
		return ruleStore{"ruler_storage", c.RulerStorage.Backend, &c.RulerStorage.Local.Directory}
	}
	return ruleStore{"ruler.storage", c.Ruler.StoreConfig.Type, &c.Ruler.StoreConfig.Local.Directory}
}

// settleStores sets where chunks and rules are stored if the file does not say it. With the clients of Thanos's objstore, upstream stores
// chunks in the working directory and runs no ruler; with its own ones, it does not start.
func (c *Config) settleStores(o Options, doc document) {
	if dir := c.fileStore(); *dir == "" {
		if *dir = c.StorageConfig.FSConfig.Directory; *dir == "" {
			*dir = filepath.Join(o.Dir, "chunks")
		}
	}
	if !c.StorageConfig.UseThanosObjstore {
		return
	}
	if doc.has("ruler.storage") {
		c.warn("ruler.storage has no effect, because storage_config.use_thanos_objstore is true: write `ruler_storage: {backend: local, local: {directory: …}}` instead")
	} else {
		flagext.DefaultValues(&c.Ruler.StoreConfig)
	}
	if !doc.has("ruler_storage") {
		c.RulerStorage.Backend = "local"
		c.RulerStorage.Local.Directory = filepath.Join(o.Dir, "rules")
	}
}

// s3ResponseTimeout is how long S3 may take to begin a response after it has the whole request. Without a limit, as upstream, Loki does
// not start while the store accepts connections and does not respond, and the ruler never reads rules again after such a time.
const s3ResponseTimeout = 10 * time.Second

// limitS3 sets the limit if the file has none. It is no default: any value in common.storage.s3 counts there as a configured S3.
func (c *Config) limitS3(doc document) {
	limit := func(timeout *time.Duration, option string, sections ...string) {
		if !slices.ContainsFunc(sections, func(section string) bool { return doc.has(section + "." + option) }) {
			*timeout = s3ResponseTimeout
		}
	}
	const option, thanosOption = "http_config.response_header_timeout", "http.response_header_timeout"
	s := &c.StorageConfig
	limit(&s.AWSStorageConfig.HTTPConfig.ResponseHeaderTimeout, option, "storage_config.aws", "common.storage.s3")
	limit(&s.ObjectStore.S3.HTTP.ResponseHeaderTimeout, thanosOption, "storage_config.object_store.s3", "common.storage.object_store.s3")
	if c.Ruler.StoreConfig.Type == "s3" { // otherwise it is not configured, which upstream sees from its defaults
		limit(&c.Ruler.StoreConfig.S3.HTTPConfig.ResponseHeaderTimeout, option, "ruler.storage.s3", "common.storage.s3")
	}
	if c.RulerStorage.Backend == "s3" {
		limit(&c.RulerStorage.S3.HTTP.ResponseHeaderTimeout, thanosOption, "ruler_storage.s3")
	}
	for name, store := range s.NamedStores.AWS {
		limit(&store.HTTPConfig.ResponseHeaderTimeout, option, "storage_config.named_stores.aws."+name)
		s.NamedStores.AWS[name] = store
	}
	for name, store := range s.ObjectStore.NamedStores.S3 {
		limit(&store.HTTP.ResponseHeaderTimeout, thanosOption, "storage_config.object_store.named_stores.s3."+name)
		s.ObjectStore.NamedStores.S3[name] = store
	}
}

// warnAboutStores says what stores on the local disk have and object stores lack.
func (c *Config) warnAboutStores(o Options, doc document) {
	files, objects := 0, ""
	for _, p := range c.SchemaConfig.Configs {
		if p.ObjectType == filesystem {
			files++
		} else {
			objects = p.ObjectType
		}
	}
	switch {
	case objects == "" || o.RetentionSize == 0:
	case files == 0:
		c.warn("schema_config: --storage.loki.retention.size has no effect, because all periods are in %s: set limits_config.retention_period instead", objects)
	default:
		c.warn("schema_config: --storage.loki.retention.size limits only the periods in files, not those in %s", objects)
	}
	if r := c.ruleStore(); r.kind != "local" && r.kind != "" && !doc.has(r.key) {
		c.warn("ruler: LogQL rules are read from %s, as common.storage says, so neither the built-in rules nor files are loaded; to load files, set `ruler: {storage: {type: local, local: {directory: loki-rules}}}`", r.kind)
	}
}
