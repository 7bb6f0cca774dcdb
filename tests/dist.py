"""`make dist`: what users install, for each language, in dist/; each installed into an empty project and run there.

Sizes are held against sizes.json (megabytes), and none of the artefacts may contain the hooks of test builds. On Linux
everything is built for the glibc that is named there, whatever this machine has, and linked against that one.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BUDGET: dict[str, float] = json.loads((ROOT / "tests" / "sizes.json").read_text())
GLIBC = BUDGET.pop("glibc")
IS_LINUX = sys.platform == "linux"
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"
# Nothing of the user's own settings, nothing of this checkout.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("TENANTRY_", "PYTHONPATH"))}
CLEAN["TENANTRY_DEADLINE_MS"] = "10000"
# The tools of .venv, and with them the C compiler of `ziglang`.
CLEAN["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{CLEAN['PATH']}"

PYTHON = """
from tenantry import Tenantry, _tenantry
assert not hasattr(_tenantry, "_freeze"), "test hooks in a wheel"
with Tenantry(in_memory=True) as client:
    client.admin.accounts.create("acme")
    client.admin.projects.create("acme", "prod")
    acme = client.tenant("acme", "prod")
    acme.policies.attach_pack("strict")
    print("Python:", acme.guard.evaluate_prompt("please test with AKIA1234EXAMPLE").decision)
"""
NODE = """
const { Tenantry } = require("tenantry");
import("tenantry").then(async (module) => {
  for (const Client of [Tenantry, module.Tenantry]) {
    const client = new Client({ inMemory: true });
    await client.admin.accounts.create("acme");
    await client.admin.projects.create("acme", "prod");
    const acme = await client.tenant("acme", "prod");
    await acme.policies.attachPack("strict");
    console.log("TypeScript:", (await acme.guard.evaluatePrompt("please test with AKIA1234EXAMPLE")).decision);
    await client.close();
  }
});
"""
GO = """package main

import (
	"context"
	"fmt"

	"MODULE"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	client := must(tenantry.Open(tenantry.Options{InMemory: true}))
	must(client.Admin().Accounts().Create(ctx, "acme", tenantry.TenantFacts{}))
	must(client.Admin().Projects().Create(ctx, "acme", "prod", tenantry.TenantFacts{}))
	acme := must(client.Tenant(ctx, "acme", "prod"))
	must(acme.Policies().AttachPack(ctx, "strict"))
	answer := must(acme.Guard().EvaluatePrompt(ctx, "please test with AKIA1234EXAMPLE"))
	fmt.Println("Go:", answer.Decision)
	if err := client.Close(); err != nil {
		panic(err)
	}
	other()
}
"""

# Another library in Rust beside ours in one program: each has a copy of what all of them share.
OTHER_GO = """
package main

// #cgo LDFLAGS: OTHER -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
// int other(void);
import "C"

func other() {
	if C.other() != 42 {
		panic("the other library does not work")
	}
}
"""
OTHER_RUST = """
#[unsafe(no_mangle)]
pub extern "C" fn other() -> i32 {
    std::panic::set_hook(Box::new(|_| ()));
    std::panic::catch_unwind(|| panic!("caught")).map_or(42, |()| 0)
}
"""


def run(*command: str | Path, cwd: Path = ROOT, **extra: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**CLEAN, **extra}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def say(text: str) -> None:
    print(text, flush=True)


def wheel() -> Path:
    say("Building the wheel ...")
    older = ["--zig", "--compatibility", f"manylinux_{str(GLIBC).replace('.', '_')}"] if IS_LINUX else []
    command = [sys.executable, "-m", "maturin", "build", "--quiet", "--release", *older, "--out", DIST]
    run(*command, cwd=ROOT / "bindings-python")
    return next(DIST.glob("*.whl"))


def tarball(stage: Path) -> Path:
    """Packs a copy of the package: the checkout's own library, built for tests, stays where it is."""
    say("Building the npm tarball ...")
    package = ROOT / "bindings-node"
    run("npm", "run", "--silent", "build", cwd=package)
    cargo = ["cargo-zigbuild", "zigbuild", "--target", f"{TRIPLE}.{GLIBC}"] if IS_LINUX else ["cargo", "build"]
    run(*cargo, "--quiet", "--release", "-p", "tenantry-node")
    shutil.copytree(package, stage, ignore=shutil.ignore_patterns("node_modules", "*.node", "*.tgz", "test", "src"))
    (tested,) = (package / "native").glob("*.node")
    library = next(
        path
        for path in (TARGET / (TRIPLE if IS_LINUX else "") / "release").glob("*tenantry_node.*")
        if path.suffix in (".so", ".dylib", ".dll")
    )
    shutil.copy(library, stage / "native" / tested.name)
    run("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", DIST, cwd=stage)
    return next(DIST.glob("tenantry-*.tgz"))


def module(stage: Path) -> Path:
    """Zips a copy of the Go module with its static library for this platform."""
    say("Building the Go module ...")
    library = ROOT / "bindings-go" / "lib"
    with tempfile.TemporaryDirectory() as tested:
        # The library the tests use, with their hooks, comes back afterwards.
        kept = shutil.copytree(library, Path(tested) / "lib")
        try:
            older = ["--glibc", str(GLIBC)] if IS_LINUX else []
            run(sys.executable, ROOT / "bindings-go" / "build.py", "--release", *older, "--dist", stage)
        finally:
            shutil.copytree(kept, library, dirs_exist_ok=True)
    return Path(shutil.make_archive(str(DIST / "tenantry-go-0.1.0"), "zip", stage))


def installs(wheel: Path, tarball: Path, module: Path, folder: Path, other: Path) -> None:
    """Each artefact in an empty project, without a package index and without this checkout."""
    home = {"HOME": str(folder / "home")}
    say("\nInstalled into empty projects and run from the artefacts alone:")

    python = folder / "python"
    run(sys.executable, "-m", "venv", python)
    run(python / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", wheel)
    (python / "app.py").write_text(PYTHON)
    say("  " + run(python / "bin" / "python", "-I", "app.py", cwd=python, **home).strip())

    node = folder / "node"
    node.mkdir()
    (node / "package.json").write_text('{ "name": "app", "private": true }')
    run("npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", tarball, cwd=node, **home)
    (node / "app.cjs").write_text(NODE)
    say("  " + run("node", "app.cjs", cwd=node, **home).strip().replace("\n", " (require), ") + " (import)")

    go = folder / "go"
    zipfile.ZipFile(module).extractall(go / "tenantry-go")
    (go / "app").mkdir()
    name = (go / "tenantry-go" / "go.mod").read_text().split()[1]
    (go / "app" / "main.go").write_text(GO.replace("MODULE", name))
    (go / "app" / "other.go").write_text(OTHER_GO.replace("OTHER", str(other / "libother.a")))
    (other / "other.rs").write_text(OTHER_RUST)
    options = ["--edition", "2024", "--crate-type", "staticlib", "-O", "-C", "lto=fat"]
    run("rustc", *options, "-o", other / "libother.a", other / "other.rs")
    offline = {**home, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOWORK": "off"}
    run("go", "mod", "init", "example.test/app", cwd=go / "app", **offline)
    run(
        "go",
        "mod",
        "edit",
        "-require",
        f"{name}@v0.1.0",
        "-replace",
        f"{name}=../tenantry-go",
        cwd=go / "app",
        **offline,
    )
    say("  " + run("go", "run", ".", cwd=go / "app", **offline).strip())
    if IS_LINUX:
        older = {"CC": f"{sys.executable} -m ziglang cc -target {platform.machine()}-linux-gnu.{GLIBC}"}
        older["ZIG_GLOBAL_CACHE_DIR"] = str(other / "zig")
        run("go", "build", "-o", "app", ".", cwd=go / "app", **offline, **older)
        say("  " + run(go / "app" / "app").strip() + f" (linked against glibc {GLIBC})")


def hooks_in(library: Path) -> bool:
    return b"asked for by a test" in library.read_bytes()


def glibc_of(library: Path) -> str:
    """The newest glibc that a library or program asks for."""
    asked = re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "--dynamic-syms", library))
    return ".".join(map(str, max((int(major), int(minor)) for major, minor in asked)))


def held(folder: Path) -> bool:
    """The table of sizes; whether all keep the budget, none has the hooks and none asks for a newer glibc."""
    ok = True
    say(f"\n{'artefact':<56}{'MB':>8}{'budget':>8}")
    files = [*sorted(DIST.iterdir()), *sorted(folder.rglob("*.a"))]
    for path in files:
        budget = next((limit for name, limit in BUDGET.items() if fnmatch(path.name, name)), None)
        size = path.stat().st_size / 1e6
        verdict = "" if budget is not None and size <= budget else "  OVER" if budget else "  NOT IN THE BUDGET"
        ok = ok and not verdict
        say(f"{path.name:<56}{size:>8.1f}{budget or 0:>8.1f}{verdict}")
    unpacked = [path for path in folder.rglob("*") if path.suffix in (".so", ".node", ".a", ".dylib", ".dll")]
    for path in unpacked:
        if hooks_in(path):
            say(f"{path.name} contains the hooks of test builds")
            ok = False
    say(f"\n{len(unpacked)} libraries searched for test hooks.")
    if IS_LINUX:
        linked = [path for path in [*unpacked, folder / "go" / "app" / "app"] if path.suffix != ".a"]
        asked = {path.name: glibc_of(path) for path in linked}
        say(f"Newest glibc asked for: {', '.join(f'{name} {version}' for name, version in asked.items())}")
        newest = [int(number) for number in str(GLIBC).split(".")]
        ok = ok and all([int(number) for number in version.split(".")] <= newest for version in asked.values())
    return ok


def main() -> int:
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        other = folder / "other"
        other.mkdir()
        artefacts = wheel(), tarball(folder / "stage-node"), module(folder / "stage-go")
        projects = folder / "projects"
        projects.mkdir()
        installs(*artefacts, projects, other)
        ok = held(projects)
    say("Everything within its budget." if ok else "NOT everything is as it should be.")
    return int(not ok)


if __name__ == "__main__":
    sys.exit(main())
