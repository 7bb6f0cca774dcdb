//! Writes the Go side of the binding from the metadata in the built library: a C header, codecs and calls, and the
//! fingerprint of the layout for both sides.
//!
//! `surface` reads the metadata into the small model below which everything else works on; what the model cannot say is
//! an error that names the Rust item. `codec` and `calls` write Go.

mod calls;
mod codec;
mod golang;
mod surface;

pub use surface::{Call, Field, Kind, Object, Record, Surface};

/// Shorthand used here: the error is a sentence for the person who changed the surface.
pub type Result<T> = std::result::Result<T, String>;

/// Appends a line of source; writing to a `String` cannot fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($format:tt)+) => {{
        $out.push_str(&format!($($format)+));
        $out.push('\n');
    }};
}
pub(crate) use line;

/// Every generated file: its path below `bindings-go`, and its text.
pub fn files(surface: &Surface) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("ffi.h", calls::header(surface)?),
        ("codec_gen.go", codec::codecs(surface)?),
        ("calls_gen.go", calls::calls(surface)?),
        ("src/abi/layout.rs", layout(surface)),
    ])
}

fn layout(surface: &Surface) -> String {
    let number = format!("{:016x}", surface.fingerprint());
    let groups: Vec<_> = number.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    format!(
        "//! Written by `tenantry-go-gen`. Do not edit.\n\n/// Of the surface this crate exports.\npub const FINGERPRINT: u64 = 0x{};\n",
        groups.join("_")
    )
}
