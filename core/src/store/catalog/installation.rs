//! What a data folder says of itself: whose key it was made with, for which mode, in which format. Owns that table.

use rusqlite::{OptionalExtension as _, Transaction};

use super::{Installation, rows::SCHEMA};
use crate::{
    error::{Error, Result},
    store::trust::{Proof, readable, untrusted},
};

/// What a folder says of itself; looked at before anything else, so it never changes.
pub const INSTALLATION: &str = "
CREATE TABLE IF NOT EXISTS installation (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";
/// The shape of all that lies in a data folder. To be raised with every change of it (a test in `store` notices tables).
pub const FORMAT: &str = "3";

/// Checks what the folder says of itself, or writes it into a new one.
pub fn installed(
    transaction: &Transaction<'_>,
    asked: &Installation,
    folder: &std::path::Path,
    proof: &Proof,
) -> Result<()> {
    let read = |name: &str| {
        let mut select = transaction.prepare_cached("SELECT value FROM installation WHERE name = ?1")?;
        readable(select.query_row([name], |row| row.get::<_, String>(0)).optional(), "installation", name)
    };
    let (key_id, mode, format) = (read("key_id")?, read("mode")?, read("format")?);
    if key_id.is_some() && format.as_deref() != Some(FORMAT) {
        return Err(Error::data("store_format", "this data folder was made by another version of Tenantry")
            .with_help("open it with the version that made it, or choose another data folder"));
    }
    transaction.execute_batch(SCHEMA)?;
    let Some(key_id) = key_id else {
        // What says nothing of itself and is not empty had its name taken away.
        if transaction.query_row("SELECT EXISTS (SELECT 1 FROM tenants)", [], |row| row.get::<_, bool>(0))? {
            return Err(untrusted("installation", "key_id"));
        }
        let mode = if asked.dev { "dev" } else { "production" };
        let mac = proof.tag(&[asked.key_id.as_bytes(), mode.as_bytes(), FORMAT.as_bytes()]);
        let mac = data_encoding::HEXLOWER.encode(&mac);
        for (name, value) in [("key_id", asked.key_id.as_str()), ("mode", mode), ("format", FORMAT), ("mac", &mac)] {
            transaction.execute("INSERT OR REPLACE INTO installation VALUES (?1, ?2)", [name, value])?;
        }
        return Ok(());
    };
    if key_id != asked.key_id {
        let (folder, own, place) = (folder.display(), &asked.key_id, &asked.key_place);
        return Err(Error::data(
            "root_key_mismatch",
            format!("the data folder `{folder}` was made with root key {key_id}, and the one {place} is {own}"),
        )
        .with_help("set TENANTRY_ROOT_KEY to the key the folder was made with, or TENANTRY_ROOT_KEY_FILE to the file that holds it; or choose another data folder"));
    }
    let (mode, mac) = (mode.unwrap_or_default(), read("mac")?.unwrap_or_default());
    let mac = data_encoding::HEXLOWER.decode(mac.as_bytes()).unwrap_or_default();
    proof.check(&[key_id.as_bytes(), mode.as_bytes(), FORMAT.as_bytes()], &mac, "mode")?;
    if (mode == "dev") != asked.dev {
        let (is, want) = if asked.dev { ("a production", "production") } else { ("a dev", "dev mode") };
        return Err(Error::invalid("dev_mode_mismatch", format!("this is {is} data folder; it opens in {want} only"))
            .with_help("choose another data folder"));
    }
    Ok(())
}
