"""Builds the static library behind the Go module, and everything that is generated from it.

    python build.py                 # for development: with what cargo calls the dev profile
    python build.py --hooks         # with the hooks that tests need; never in a published library
    python build.py --release       # what users get
    python build.py --release --dist FOLDER     # and the module as it is published, in FOLDER
    python build.py --release --glibc 2.28      # that links where there is no newer glibc; needs cargo-zigbuild
    python build.py --check         # as above, and fail when a generated file is stale instead of writing it

Plain Python 3.10, nothing to install. Needs cargo, go, and a C compiler with its binutils.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve()
# A stripped release archive; the module proxy and checkouts pay for every byte of it.
LARGEST = 64 * 1024 * 1024
PRINT = ["--print", "native-static-libs"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--hooks", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--dist", type=Path)
    parser.add_argument("--glibc", metavar="VERSION")
    options = parser.parse_args()
    if options.release and options.hooks:
        parser.error("a release has no hooks")
    if (options.dist or options.glibc) and not options.release:
        parser.error("only a release is published")

    archive, libraries = build(options.release, options.hooks, options.glibc)
    generator = TARGET / "debug" / "tenantry-go-gen"
    if options.release:
        listen(["cargo", "build", "--quiet", "--package", "tenantry-go-gen"])
    layout = HERE / "src" / "abi" / "layout.rs"
    before = layout.read_text()
    run([str(generator), str(archive), str(HERE), *(["--check"] if options.check else [])])
    if layout.read_text() != before:
        # The library carries the fingerprint of its own surface, so it is built once more with the new one.
        archive, libraries = build(options.release, options.hooks, options.glibc)
    platform = "_".join(output(["go", "env", "GOOS", "GOARCH"]).split())
    if link(platform, libraries, options.check) or install(archive, platform, options.release):
        return 1
    if options.dist:
        publish(options.dist)
    return 0


def build(release: bool, hooks: bool, glibc: str | None) -> tuple[Path, str]:
    """The archive, and the flags of the system libraries it needs."""
    if release:
        # As nothing but an archive: where an rlib is built beside it, it is not optimised as a whole.
        host = re.findall(r"^host: (\S+)", output(["rustc", "-vV"]), re.MULTILINE)[0] if glibc else ""
        cargo = ["cargo-zigbuild", "rustc", "--target", f"{host}.{glibc}"] if glibc else ["cargo", "rustc"]
        command = [*cargo, "--package", "tenantry-go", "--lib", "--crate-type", "staticlib", "--release"]
        told = listen([*command, "--", *PRINT])
        profile = Path(host, "release")
    else:
        # With the generator, and as `make` builds both with everything else.
        command = ["cargo", "build", "--package", "tenantry-go", "--package", "tenantry-go-gen"]
        listen([*command, *(["--features", "tenantry-go/test-hooks"] if hooks else [])])
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "flags.rs")
            source.write_text("pub extern crate tenantry_go;\n")
            library = f"tenantry_go={TARGET}/debug/libtenantry_go.rlib"
            command = ["rustc", "--edition", "2024", "--crate-type", "staticlib", "--out-dir", folder, str(source)]
            told = listen([*command, "--extern", library, "-L", f"dependency={TARGET}/debug/deps", *PRINT], quiet=True)
        profile = Path("debug")
    found = re.search(r"native-static-libs: (.+)", told)
    if not found:
        sys.exit("the compiler did not say which system libraries are needed")
    # The unwinder as an archive: `libgcc_s` is a shared library alone, and programs for images with nothing in them
    # are linked statically. It needs the C library, which is named after it.
    named = ["-lgcc_eh -lgcc" if flag == "-lgcc_s" else flag for flag in found.group(1).split()]
    flags = list(dict.fromkeys(named))
    return TARGET / profile / "libtenantry_go.a", " ".join(flags)


def listen(command: list[str], quiet: bool = False) -> str:
    """Runs a compiler and gives back what it said. It may take minutes, so that is also shown as it comes."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    told: list[str] = []
    with subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            if not quiet:
                sys.stderr.write(line)
            told.append(line)
    if process.returncode != 0:
        sys.exit("".join(told) if quiet else process.returncode)
    return "".join(told)


def link(platform: str, libraries: str, check: bool) -> int:
    """The cgo file with the link flags, as the compiler gives them."""
    path = HERE / f"link_{platform}.go"
    text = (
        "// Code generated by build.py from what the Rust compiler says is needed. DO NOT EDIT.\n\n"
        "package tenantry\n\n"
        f"// #cgo LDFLAGS: ${{SRCDIR}}/lib/{platform}/libtenantry_go.a {libraries}\n"
        'import "C"\n\n'
        f'import _ "github.com/tenantry/tenantry-go/lib/{platform}" // the archive, also in a vendored copy\n'
    )
    names = sorted({file.stem.removeprefix("link_") for file in HERE.glob("link_*_*.go")} | {platform})
    terms = [name.replace("_", " && ") for name in names]
    supported = terms[0] if len(terms) == 1 else " || ".join(f"({term})" for term in terms)
    unsupported = (
        "// Code generated by build.py. DO NOT EDIT.\n\n"
        f"//go:build !cgo || !({supported})\n\n"
        "package tenantry\n\n"
        "// Where there is no library to link, the compiler says what is missing in the one way it can.\n"
        f"type _ = tenantry_needs_CGO_ENABLED_1_and_a_C_compiler_on_{'_or_'.join(names)}\n"
    )
    stale = 0
    for file, wanted in ((path, text), (HERE / "build_unsupported.go", unsupported)):
        if file.exists() and file.read_text() == wanted:
            continue
        if check:
            print(f"{file.name} is stale: run bindings-go/build.py", file=sys.stderr)
            stale = 1
        else:
            file.write_text(wanted)
    return stale


def install(archive: Path, platform: str, release: bool) -> int:
    folder = HERE / "lib" / platform
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "libtenantry_go.a.new"
    shutil.copyfile(archive, fresh)
    if release:
        localise(fresh)
    run(["strip", "--strip-unneeded", str(fresh)])
    size = fresh.stat().st_size
    if release and size > LARGEST:
        print(f"the archive has {size >> 20} MiB; {LARGEST >> 20} are allowed", file=sys.stderr)
        return 1
    content = fresh.read_bytes()
    if release and b"tenantry_test_freeze" in content:
        print("the release has hooks of test builds", file=sys.stderr)
        return 1
    digest = hashlib.sha256(content).hexdigest()
    fresh.replace(folder / "libtenantry_go.a")
    # Go does not notice that an archive changed; it does notice this.
    stamp = f'package {platform}\n\n// Stamp is the SHA-256 of the archive beside it.\nvar Stamp = "{digest}"\n'
    (folder / "stamp.go").write_text(stamp)
    print(f"lib/{platform}/libtenantry_go.a: {size / (1 << 20):.1f} MiB")
    return 0


def localise(archive: Path) -> None:
    """Leaves one object that shows nothing but what Go calls: two Rust libraries in one program would otherwise both
    define what every Rust library has (rust-lang/rust#44322). What nothing in it reaches is left out.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names, roots, whole = folder / "names", folder / "roots", folder / "tenantry.o"
        told = output(["nm", "--defined-only", "--extern-only", "--format=posix", str(archive)])
        shown = sorted(set(re.findall(r"^((?:(?:uniffi|ffi)_tenantry_go|tenantry)_\w+) T", told, re.MULTILINE)))
        names.write_text("\n".join(shown))
        roots.write_text("\n".join(f"-u {name}" for name in shown))
        linked = folder / "linked.o"
        run(["ld", "-r", "--gc-sections", "--force-group-allocation", f"@{roots}", "-o", str(linked), str(archive)])
        # Bitcode that the standard library carries is for the compiler alone, and other tools trip over it.
        unneeded = ["--remove-section=.llvmbc", "--remove-section=.llvmcmd"]
        run(["objcopy", *unneeded, f"--keep-global-symbols={names}", str(linked), str(whole)])
        archive.unlink()
        run(["ar", "crs", str(archive), str(whole)])


def publish(folder: Path) -> None:
    """The module as users get it: no tests, no hooks, no Rust."""
    for path in [*HERE.glob("*.go"), *HERE.glob("*.[ch]"), *HERE.glob("lib/*/*"), HERE / "go.mod", HERE / "README.md"]:
        if path.name.endswith("_test.go") or path.name == "hooks.go":
            continue
        place = folder / path.relative_to(HERE)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    print(f"published into {folder}")


def run(command: list[str]) -> None:
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


def output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
