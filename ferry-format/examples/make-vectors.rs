//! Makes the test vectors, test keys and trust files under `testdata/` again, from fixed seeds.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io;
use std::path::Path;

use support::corpus::{trust_files, vectors};
use support::vector::testdata;
use support::{HOLDERS, keys};

#[expect(clippy::disallowed_methods, reason = "files of the source tree; nobody reads them while they are made")]
fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::write(directory.join(name), bytes)
}

fn main() -> io::Result<()> {
    let root = testdata();
    for directory in ["vectors", "keys", "trust"] {
        let directory = root.join(directory);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
    }
    for holder in HOLDERS {
        let (sign, encrypt) = keys(holder).to_pem();
        write(&root.join("keys"), &format!("{holder}-sign.pem"), sign.as_bytes())?;
        write(&root.join("keys"), &format!("{holder}-encrypt.pem"), encrypt.as_bytes())?;
    }
    for (name, store) in trust_files() {
        write(&root.join("trust"), &format!("{name}.trust"), &store.write())?;
    }
    let vectors = vectors();
    for vector in &vectors {
        write(&root.join("vectors"), &format!("{}.vec", vector.name), &vector.write())?;
    }
    let good = vectors.iter().filter(|vector| vector.is_ok()).count();
    println!("{} vectors, {} of them refused", vectors.len(), vectors.len() - good);
    Ok(())
}
