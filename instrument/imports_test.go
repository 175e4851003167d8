package instrument_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// modules returns the modules of all packages that the packages import.
func modules(t *testing.T, packages ...string) (all []string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}"}, packages...)...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all = strings.Fields(string(out))
	slices.Sort(all)
	return slices.Compact(all)
}

func TestImportsNothingBeyondClientGolang(t *testing.T) {
	const client = "github.com/prometheus/client_golang"
	want := modules(t, client+"/prometheus", client+"/prometheus/promhttp", client+"/prometheus/collectors")
	for _, module := range modules(t, ".") {
		if module != "github.com/ausguck/ausguck/instrument" && !slices.Contains(want, module) {
			t.Errorf("instrument imports %s", module)
		}
	}

	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if r.Path != client && (!r.Indirect || !slices.Contains(want, r.Path)) {
			t.Errorf("go.mod requires %s", r.Path)
		}
	}
	if len(mod.Replace) > 0 {
		t.Errorf("importers do not see replacements: %v", mod.Replace)
	}
}
