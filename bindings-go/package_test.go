package tenantry_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// run runs a command in a folder; the error is the command's.
func run(t *testing.T, folder string, command ...string) (string, error) {
	t.Helper()
	child := exec.Command(command[0], command[1:]...)
	child.Dir = folder
	child.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "TENANTRY_DEADLINE_MS=10000",
		"TENANTRY_ROOT_KEY=abababababababababababababababababababababababababababababababab")
	out, err := child.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, folder string, command ...string) string {
	t.Helper()
	out, err := run(t, folder, command...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return out
}

// module is an empty module with one program that uses the package in a folder.
func module(t *testing.T, library, program string) string {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, "go.mod", "module probe\n\ngo 1.25\n\nrequire github.com/tenantry/tenantry-go v0.0.0\n\n"+
		"replace github.com/tenantry/tenantry-go => "+library+"\n")
	write(t, folder, "main.go", program)
	return folder
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func here(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

const empty = `package main

import (
	"fmt"

	"github.com/tenantry/tenantry-go"
)

func main() {
	client, err := tenantry.Open(tenantry.Options{InMemory: true})
	fmt.Println("opened", client != nil, err)
}
`

func TestProgramsOfTheReadmeRun(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(programs) < 2 {
		t.Fatal("the page has lost its programs")
	}
	for number, program := range programs {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			must(t, module(t, here(t), program[1]), "go", "run", ".")
		})
	}
}

func TestTheSectionsOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, found := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(string(readme), -1) {
		sections = append(sections, found[1])
	}
	if got := strings.Join(sections, " "); got != "Install Use Develop Test" {
		t.Errorf("sections: %s", got)
	}
}

func TestAVendoredCopyWorks(t *testing.T) {
	folder := module(t, here(t), empty)
	must(t, folder, "go", "mod", "vendor")
	archives, err := filepath.Glob(filepath.Join(folder, "vendor/github.com/tenantry/tenantry-go/lib/*/*.a"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("the archive was not vendored: %v", err)
	}
	if out := must(t, folder, "go", "run", "-mod=vendor", "."); out != "opened true <nil>\n" {
		t.Error(out)
	}
}

// A codec that was written for records with one field less (or, as here, more) than the library has would read lengths
// out of text. It is the generator's own, for a changed surface; only its fingerprint can tell.
func TestAStaleCodecIsRefusedAtStart(t *testing.T) {
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = filepath.Join(here(t), "..", "target")
	}
	generator := filepath.Join(target, "debug", "tenantry-go-gen")
	archive, err := filepath.Glob("lib/*/libtenantry_go.a")
	if err != nil || len(archive) == 0 {
		t.Fatal("build.py was not run")
	}
	stale := t.TempDir()
	copyModule(t, here(t), stale)
	if out := must(t, here(t), generator, archive[0], stale, "--add-a-field"); !strings.Contains(out, "codec_gen.go") {
		t.Fatalf("the generator changed nothing: %s", out)
	}
	out, err := run(t, module(t, stale, empty), "go", "run", ".")
	if err == nil || strings.Contains(out, "opened") {
		t.Fatalf("the stale codec was used: %s", out)
	}
	if !strings.Contains(out, "panic: tenantry:") || !strings.Contains(out, "rebuild both with bindings-go/build.py") {
		t.Errorf("the process stopped without saying why: %s", out)
	}

	fresh := t.TempDir()
	copyModule(t, here(t), fresh)
	if out := must(t, module(t, fresh, empty), "go", "run", "."); out != "opened true <nil>\n" {
		t.Error(out)
	}
}

// copyModule copies what a user of the module gets: sources and archives.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		if strings.HasSuffix(name, ".a") {
			return os.Symlink(path, filepath.Join(to, name))
		}
		if !regexp.MustCompile(`\.(go|c|h|mod)$`).MatchString(name) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSourcesAreFormatted(t *testing.T) {
	if out := must(t, here(t), "gofmt", "-l", "."); out != "" {
		t.Errorf("not formatted: %s", out)
	}
}
