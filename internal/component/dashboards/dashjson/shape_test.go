package dashjson_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
)

// shared is read in place; its files are not copied into the repository.
const shared = "../../../../../shared"

func TestRealDashboards(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared, "dashboards", "*.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 11)
	for _, file := range append(files, filepath.Join(shared, "original", "dashboard.json")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			d, err := dashjson.Parse(content)
			require.NoError(t, err)
			require.NotEmpty(t, d.Body.Text("title"))
			panels := dashjson.Panels(d.Body)
			require.NotEmpty(t, panels)
			ids := map[int64]bool{}
			for _, p := range panels {
				id, ok := p.Int("id")
				require.True(t, ok && id > 0 && !ids[id], "panel %q has id %d", p.Text("title"), id)
				ids[id] = true
			}
			require.Empty(t, d.Notices)
			var before any
			require.NoError(t, json.Unmarshal(content, &before))
			checkKept(t, unwrapped(before), d.Body)
		})
	}
}

func unwrapped(v any) any {
	if inner, ok := v.(map[string]any)["dashboard"]; ok {
		return inner
	}
	return v
}

// checkKept checks that nothing in the file was lost or changed, except that missing ids and positions were added.
func checkKept(t *testing.T, before any, after *dashjson.Object) {
	t.Helper()
	text, err := dashjson.Encode(after)
	require.NoError(t, err)
	var now any
	require.NoError(t, json.Unmarshal(text, &now))
	var walk func(path string, a, b any)
	walk = func(path string, a, b any) {
		switch a := a.(type) {
		case map[string]any:
			b, ok := b.(map[string]any)
			require.True(t, ok, path)
			for k, v := range a {
				if k != "id" {
					require.Contains(t, b, k, path)
					walk(path+"."+k, v, b[k])
				}
			}
		case []any:
			b, ok := b.([]any)
			require.True(t, ok, path)
			require.Len(t, b, len(a), path)
			for i := range a {
				walk(fmt.Sprintf("%s[%d]", path, i), a[i], b[i])
			}
		default:
			require.Equal(t, a, b, path)
		}
	}
	walk("", before, now)
}

func TestOriginalDashboardIsUnwrappedAndLaidOut(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(shared, "original", "dashboard.json"))
	require.NoError(t, err)
	d, err := dashjson.Parse(content)
	require.NoError(t, err)
	require.Equal(t, dashjson.Wrapped, d.Shape)
	require.Equal(t, "Code Agent MVP - Production Dashboard", d.Body.Text("title"))
	var places []string
	for _, p := range dashjson.Panels(d.Body) {
		places = append(places, encode(t, p.Get("gridPos")))
	}
	require.Equal(t, []string{
		`{"h":8,"w":12,"x":0,"y":0}`, `{"h":8,"w":12,"x":12,"y":0}`, `{"h":8,"w":12,"x":0,"y":8}`, `{"h":8,"w":12,"x":12,"y":8}`, `{"h":8,"w":12,"x":0,"y":16}`,
	}, places)
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := dashjson.Encode(v)
	require.NoError(t, err)
	return string(text)
}

func TestShapes(t *testing.T) {
	for _, tc := range []struct {
		name, in  string
		shape     dashjson.Shape
		uid       string
		folder    string
		hasFolder bool
	}{
		{name: "bare", in: `{"title":"A","panels":[]}`, shape: dashjson.Classic},
		{name: "bare with a byte order mark", in: "\xef\xbb\xbf" + `{"title":"A","rows":[]}`, shape: dashjson.Classic},
		{name: "title and tags only", in: `{"title":"A","tags":["x"]}`, shape: dashjson.Classic},
		{name: "wrapped", in: `{"dashboard":{"title":"A"},"overwrite":true,"folderUid":"f","message":"m"}`, shape: dashjson.Wrapped, folder: "f", hasFolder: true},
		{name: "answer of the API", in: `{"meta":{"folderUid":"f","slug":"a"},"dashboard":{"uid":"u","title":"A","panels":[]}}`, shape: dashjson.Wrapped, uid: "u", folder: "f", hasFolder: true},
		{name: "wrapped twice", in: `{"dashboard":{"dashboard":{"title":"A"}}}`, shape: dashjson.Wrapped},
		{name: "exported", in: `{"__inputs":[],"__requires":[],"title":"A","panels":[]}`, shape: dashjson.Exported},
		{name: "exported and wrapped", in: `{"dashboard":{"__inputs":[{"name":"DS_X","type":"datasource","pluginId":"loki"}],"title":"A"}}`, shape: dashjson.Exported},
		{
			name: "kubernetes v0alpha1", in: `{"apiVersion":"dashboard.grafana.app/v0alpha1","kind":"Dashboard","metadata":{"name":"n"},"spec":{"title":"A","uid":"other"}}`,
			shape: dashjson.Kubernetes, uid: "n",
		},
		{
			name: "kubernetes v1beta1 in a folder", in: `{"kind":"Dashboard","apiVersion":"dashboard.grafana.app/v1beta1","metadata":{"name":"n","annotations":{"grafana.app/folder":"f"}},"spec":{"title":"A","panels":[]}}`,
			shape: dashjson.Kubernetes, uid: "n", folder: "f", hasFolder: true,
		},
		{
			name: "kubernetes in the API's wrapper", in: `{"dashboard":{"kind":"Dashboard","apiVersion":"dashboard.grafana.app/v1","metadata":{"name":"n"},"spec":{"title":"A"}}}`,
			shape: dashjson.Kubernetes, uid: "n",
		},
		{name: "v2 without what is around it", in: `{"title":"A","elements":{},"layout":{"kind":"GridLayout","spec":{"items":[]}}}`, shape: dashjson.V2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := dashjson.Parse([]byte(tc.in))
			require.NoError(t, err)
			require.Equal(t, tc.shape, d.Shape)
			require.Equal(t, "A", d.Body.Text("title"))
			require.Equal(t, tc.uid, d.Body.Text("uid"))
			require.Equal(t, tc.folder, d.FolderUID)
			require.Equal(t, tc.hasFolder, d.HasFolder)
		})
	}
}

func TestWhatIsNoDashboardSaysWhatItIs(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	many := `{"title":"A","panels":[` + strings.TrimSuffix(strings.Repeat(`{"type":"text"},`, dashjson.MaxPanels+1), ",") + "]}"
	for _, tc := range []struct{ name, in, want string }{
		{"nothing", "", "not JSON: it is empty"},
		{"spaces", " \n ", "not JSON: it is empty"},
		{"cut off", `{"title":"A",` + "\n" + `"panels":[`, "not JSON: line 2: the JSON ends too early"},
		{"broken", "{\n\"title\": \"A\"\n\"x\": 1}", "not JSON: line 3: "},
		{"two values", `{"title":"A","panels":[]} {}`, "unexpected content after the end"},
		{"too deep", `{"title":"A","panels":[` + deep + `]}`, "nested more than 100 deep"},
		{"list", `[{"title":"A"}]`, "not a dashboard, but a list of 1 values; a dashboard is an object with title and panels"},
		{"text", `"A"`, "not a dashboard, but a text"},
		{"number", `1`, "not a dashboard, but a number"},
		{"null", `null`, "not a dashboard, but null"},
		{"empty object", `{}`, "an empty object {}"},
		{"rules", `{"groups":[{"name":"a","rules":[]}]}`, "a file of alert rules"},
		{"panel", `{"type":"stat","title":"A","targets":[],"gridPos":{}}`, "this is one panel (type stat)"},
		{"library panel", `{"uid":"x","name":"y","kind":1,"model":{}}`, "a library panel"},
		{"datasource", `{"name":"a","type":"prometheus","access":"proxy","url":"http://a"}`, "this is a data source"},
		{"other object", `{"name":"a","version":"1","scripts":{}}`, "an object with name, version, scripts"},
		{"wrapped text", `{"dashboard":"x"}`, `"dashboard" must be an object with title and panels, not a text`},
		{"no title", `{"panels":[]}`, "Dashboard title cannot be empty"},
		{"blank title", `{"title":"  ","panels":[]}`, "Dashboard title cannot be empty"},
		{"wrapped without title", `{"dashboard":{"panels":[]}}`, "Dashboard title cannot be empty"},
		{"title is a number", `{"title":1,"panels":[]}`, "title: must be a text, not a number"},
		{"panels is a text", `{"title":"A","panels":"x"}`, "panels: must be a list of objects, not a text"},
		{"panels holds a number", `{"title":"A","panels":[1]}`, "panels: must be a list of objects"},
		{"tags is a text", `{"title":"A","panels":[],"tags":"x"}`, "tags: must be a list of texts, not a text"},
		{"too many panels", many, "the limit is 10000"},
		{"folder resource", `{"apiVersion":"folder.grafana.app/v1beta1","kind":"Folder","metadata":{},"spec":{"title":"A"}}`, "this is a Folder"},
		{"other group", `{"apiVersion":"perses.dev/v1","kind":"Dashboard","metadata":{},"spec":{"title":"A"}}`, "apiVersion must be dashboard.grafana.app/v1"},
		{"list resource", `{"apiVersion":"dashboard.grafana.app/v1","kind":"DashboardList","items":[{},{}]}`, "a list of 2 dashboards"},
		{"v2 without elements", `{"apiVersion":"dashboard.grafana.app/v2","kind":"Dashboard","metadata":{},"spec":{"title":"A"}}`, "no elements and layout"},
		{"spec is a text", `{"apiVersion":"dashboard.grafana.app/v2","kind":"Dashboard","spec":"x"}`, `"spec" is missing`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := dashjson.Parse([]byte(tc.in))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestOrderNumbersAndTextStay(t *testing.T) {
	const in = `{"z":1,"title":"<b>&ü\u2028","a":[1.0,1e400,12345678901234567890,-0,null,true],"panels":[{"id":3,"q":"a<b"}],"unknown":{"y":{},"x":[]}}`
	d, err := dashjson.Parse([]byte(in))
	require.NoError(t, err)
	require.Equal(t, `{"z":1,"title":"<b>&ü\u2028","a":[1.0,1e400,12345678901234567890,-0,null,true],"panels":[{"id":3,"q":"a<b","gridPos":{"h":8,"w":12,"x":0,"y":0}}],"unknown":{"y":{},"x":[]}}`, encode(t, d.Body))
	again := d.Body.Clone()
	again.Object("unknown").Set("y", "changed")
	require.Equal(t, `{}`, encode(t, d.Body.Object("unknown").Get("y")), "a clone shares nothing")
}

func TestPanelsGetIDs(t *testing.T) {
	d, err := dashjson.Parse([]byte(`{"title":"A","panels":[
		{"id":5,"type":"row","panels":[{"id":5},{"id":0},{}]},{"id":"x"},{"id":2},{"id":-1}]}`))
	require.NoError(t, err)
	var ids []int64
	for _, p := range dashjson.Panels(d.Body) {
		id, _ := p.Int("id")
		ids = append(ids, id)
	}
	require.Equal(t, []int64{5, 6, 7, 8, 9, 2, 10}, ids)
}

func TestRowsOfOldDashboardsKeepTheirPanels(t *testing.T) {
	d, err := dashjson.Parse([]byte(`{"title":"A","rows":[{"panels":[{"id":1,"span":6},{"id":1}]},{"panels":[{}]}]}`))
	require.NoError(t, err)
	require.Equal(t, `[{"panels":[{"id":1,"span":6},{"id":2}]},{"panels":[{"id":3}]}]`, encode(t, d.Body.Get("rows")))
}

func TestInputs(t *testing.T) {
	d, err := dashjson.Parse([]byte(`{"__inputs":[
		{"name":"DS_PROMETHEUS","label":"p","description":"d","type":"datasource","pluginId":"prometheus"},
		{"name":"DS_X","type":"datasource","pluginId":"tempo"},
		{"name":"VAR_N","type":"constant","value":"5"}],
		"__requires":[{}],"__elements":{},
		"title":"A ${VAR_N}","panels":[{"id":1,"gridPos":{"x":0,"y":0,"w":1,"h":1},"datasource":"${DS_PROMETHEUS}",
		"targets":[{"datasource":{"uid":"${DS_PROMETHEUS}"},"expr":"x{a=\"${other}\"}[${VAR_N}m]"},{"datasource":{"uid":"${DS_X}"}}]}]}`))
	require.NoError(t, err)
	require.Len(t, d.Inputs, 3)
	require.Equal(t, dashjson.Input{Name: "DS_PROMETHEUS", Label: "p", Description: "d", Type: "datasource", PluginID: "prometheus"}, d.Inputs[0])
	d.Resolve(func(in dashjson.Input) (string, bool) {
		return in.Value + map[string]string{"prometheus": "prom-1"}[in.PluginID], in.PluginID != "tempo"
	})
	require.Equal(t, `{"title":"A 5","panels":[{"id":1,"gridPos":{"x":0,"y":0,"w":1,"h":1},"datasource":"prom-1",`+
		`"targets":[{"datasource":{"uid":"prom-1"},"expr":"x{a=\"${other}\"}[5m]"},{"datasource":{"uid":"${DS_X}"}}]}]}`, encode(t, d.Body))
	require.Equal(t, []string{"input DS_X (datasource tempo) has no value"}, d.Notices)
	require.Len(t, d.Inputs, 1)
}

func TestInputThatIsAVariableStaysOne(t *testing.T) {
	d, err := dashjson.Parse([]byte(`{"__inputs":[{"name":"DS_PROMETHEUS","type":"datasource","pluginId":"prometheus"}],"title":"A",
		"templating":{"list":[{"name":"DS_PROMETHEUS","type":"datasource","query":"prometheus","current":{}}]},
		"panels":[{"id":1,"gridPos":{},"datasource":{"uid":"${DS_PROMETHEUS}"}}]}`))
	require.NoError(t, err)
	d.Resolve(func(dashjson.Input) (string, bool) { return "main", true })
	require.Equal(t, `{"title":"A","templating":{"list":[{"name":"DS_PROMETHEUS","type":"datasource","query":"prometheus","current":{"text":"main","value":"main"}}]},`+
		`"panels":[{"id":1,"gridPos":{},"datasource":{"uid":"${DS_PROMETHEUS}"}}]}`, encode(t, d.Body))
}

func TestLibraryPanelsAreInlined(t *testing.T) {
	for name, elements := range map[string]string{
		"by uid": `{"lib1":{"name":"CPU","uid":"lib1","kind":1,"model":{"type":"timeseries","title":"CPU","targets":[{"expr":"up"}]}}}`,
		"a list": `[{"name":"CPU","uid":"lib1","kind":1,"model":{"type":"timeseries","title":"CPU","targets":[{"expr":"up"}]}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dashjson.Parse([]byte(`{"title":"A","__elements":` + elements + `,"panels":[
				{"id":4,"gridPos":{"h":1,"w":2,"x":3,"y":4},"libraryPanel":{"uid":"lib1","name":"CPU"}},
				{"id":5,"gridPos":{"h":1,"w":2,"x":3,"y":5},"title":"gone","libraryPanel":{"uid":"lib2","name":"RAM"}}]}`))
			require.NoError(t, err)
			panels := dashjson.Panels(d.Body)
			require.Equal(t, `{"id":4,"gridPos":{"h":1,"w":2,"x":3,"y":4},"type":"timeseries","title":"CPU","targets":[{"expr":"up"}]}`, encode(t, panels[0]))
			require.Equal(t, []string{`panel "gone" is the library panel lib2, which is not in the file`}, d.Notices)
		})
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range append(files, filepath.Join(shared, "original", "dashboard.json")) {
		content, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(content)
	}
	for _, s := range []string{`{}`, `[]`, `{"dashboard":{"dashboard":{}}}`, `{"title":"A","panels":[{"panels":[{"id":1e3}]}]}`, `{"title":"A","elements":{"a":null},"layout":{"kind":"RowsLayout","spec":{"rows":[null,{"spec":{"layout":{"kind":"TabsLayout"}}}]}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := dashjson.Parse(data)
		if err != nil {
			return
		}
		d.Resolve(func(in dashjson.Input) (string, bool) { return in.Value, true })
		text, err := dashjson.Encode(d.Body)
		require.NoError(t, err)
		again, err := dashjson.Parse([]byte(`{"dashboard":` + string(text) + `}`))
		if err != nil { // inputs may have removed the title; a resource may contain a resource
			require.True(t, strings.TrimSpace(d.Body.Text("title")) == "" || d.Body.Has("apiVersion"), err)
			return
		}
		require.Equal(t, string(text), encode(t, again.Body), "what was made classic stays as it is")
		ids := []int64{}
		for _, p := range dashjson.Panels(d.Body) {
			id, _ := p.Int("id")
			ids = append(ids, id)
		}
		slices.Sort(ids)
		require.Len(t, slices.Compact(ids), len(dashjson.Panels(d.Body)))
	})
}
