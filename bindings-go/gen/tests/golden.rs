//! The generator on small surfaces: what it writes for each supported shape, what it refuses, and what the fingerprint
//! notices. `BLESS=1 cargo test -p tenantry-go-gen` writes the golden files anew.

use std::{fs, path::Path};

use tenantry_go_gen::{Result, Surface, files};
use uniffi_bindgen::ComponentInterface;

const FAILURE: &str = "[Error] interface Failure { Core(string kind); };";

const EVERY_SHAPE: &str = r#"
    namespace probe {
        Inner plain(Inner inner, string text);
    };
    [Error] interface Failure { Core(string kind, string? help, u64? retry_after_ms); };
    [Custom] typedef string Text;
    [Custom] typedef boolean Flag;
    [Custom] typedef string JsonObject;
    [Custom] typedef string Mode;
    dictionary Inner { string session_id; };
    dictionary HiddenParts { boolean flag; };
    dictionary Every {
        boolean flag; i64 signed; u64 unsigned; double float; string text; Mode mode; JsonObject json; Inner inner;
        sequence<string> texts; sequence<Inner> inners; sequence<sequence<i64>> nested; record<string, string> map;
        boolean? maybe_flag; i64? maybe_signed; u64? maybe_unsigned; double? maybe_float; string? maybe_text;
        Mode? maybe_mode; JsonObject? maybe_json; Inner? maybe_inner; sequence<Inner>? maybe_inners;
        record<string, string>? maybe_map; Text? omitted_text; Flag? omitted_flag; HiddenParts hidden;
    };
    interface Thing {
        [Name=open, Throws=Failure] constructor(Every every);
        string name();
        [Throws=Failure] boolean flip(boolean on, i64 count, u64 size, double share);
        [Throws=Failure] Thing other(Mode mode, JsonObject json);
        [Async, Throws=Failure] Every work(Every every, Text? text);
        [Async, Throws=Failure] Thing find(string name);
        [Async, Throws=Failure] void stop();
        [Async, Throws=Failure] sequence<Inner> list();
    };
"#;

fn surface(idl: &str) -> Result<Surface> {
    let mut interface = ComponentInterface::from_webidl(idl, "probe").map_err(|error| format!("{error:#}"))?;
    interface.derive_ffi_funcs().map_err(|error| format!("{error:#}"))?;
    Surface::of_interface(&interface)
}

fn with(record: &str) -> Result<Surface> {
    surface(&format!("namespace probe {{}}; {FAILURE} dictionary Small {{ {record} }};"))
}

#[test]
fn every_supported_shape_is_written_as_it_was_reviewed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, text) in files(&surface(EVERY_SHAPE).unwrap()).unwrap() {
        // Not `.go`: the fragments compile only beside the runtime, and Go's tools walk these folders.
        let path = golden.join(format!("{}.txt", name.replace('/', "_")));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name} differs from {}", path.display());
    }
}

#[test]
fn what_go_cannot_say_is_refused_by_name() {
    for (idl, place) in [
        ("dictionary Odd { bytes data; };", "Odd.data"),
        ("dictionary Odd { u8 small; };", "Odd.small"),
        ("dictionary Odd { timestamp at; };", "Odd.at"),
        ("dictionary Odd { duration lasting; };", "Odd.lasting"),
        ("dictionary Odd { record<string, i64> counts; };", "Odd.counts"),
        ("dictionary Odd { string with_default = \"x\"; };", "Odd.with_default"),
        ("dictionary Odd { Thing thing; }; interface Thing {};", "Odd.thing"),
        ("dictionary Odd { sequence<Thing> things; }; interface Thing {};", "Odd.things"),
        ("enum Odd { \"red\", \"blue\" };", "Odd"),
        ("[Custom] typedef i64 Money; dictionary Odd { Money money; };", "Money"),
        ("[Trait] interface Odd { void call(); };", "Odd"),
        ("callback interface Odd { void call(); };", "Odd"),
        ("interface Odd { [Async] boolean ask(); };", "Odd::ask"),
        ("interface Odd { void take(Odd other); };", "Odd::take"),
        ("interface Odd { void take(string range); };", "Odd::take"),
    ] {
        let refused = surface(&format!("namespace probe {{}}; {FAILURE} {}", idl))
            .and_then(|surface| files(&surface))
            .expect_err(idl);
        assert!(refused.contains(&format!("`{place}")), "`{idl}` is refused without naming {place}: {refused}");
    }
}

#[test]
fn the_fingerprint_notices_every_change_of_layout() {
    let base = with("string one; i64 two;").unwrap();
    let changes = [
        ("one more field", with("string one; i64 two; string three;")),
        ("a field less", with("string one;")),
        ("another order", with("i64 two; string one;")),
        ("another type", with("string one; u64 two;")),
        ("another name", with("string one; i64 second;")),
        ("an optional field", with("string one; i64? two;")),
        ("a variant with another name", {
            let renamed = FAILURE.replace("Core", "Engine");
            surface(&format!("namespace probe {{}}; {renamed} dictionary Small {{ string one; i64 two; }};"))
        }),
        ("one more function", {
            surface(&format!("namespace probe {{ void f(); }}; {FAILURE} dictionary Small {{ string one; i64 two; }};"))
        }),
    ];
    let mut seen = vec![base.fingerprint()];
    for (change, surface) in changes {
        let fingerprint = surface.unwrap().fingerprint();
        assert!(!seen.contains(&fingerprint), "{change} is not noticed");
        seen.push(fingerprint);
    }
}

#[test]
fn the_fingerprint_does_not_mind_documentation_or_the_order_of_items() {
    let base = with("string one; i64 two;").unwrap();
    let mut documented = base.clone();
    documented.records[0].docs = "Something to read.".into();
    documented.records.reverse();
    assert_eq!(base.fingerprint(), documented.fingerprint());
    assert_eq!(base.fingerprint(), with("string one; i64 two;").unwrap().fingerprint());
}
