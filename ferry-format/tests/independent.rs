//! Programs that share no code with this crate check its files: the `openssl` command line and `tools/read_batch.py`.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ferry_format::canon::{self, Value};
use ferry_format::{Compression, Digest, EncryptKey, PublicKey, SignKey};
use support::raw::{Parts, get};
use support::sample::{self, CONFIRM_ROWS, payload, recipients, sealed_as, statement};
use support::{keys, raw};

#[test]
fn openssl_verifies_a_signature_that_is_cut_out_by_its_offsets() {
    if !openssl_is_there("openssl_verifies_a_signature_that_is_cut_out_by_its_offsets") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    put(&path("public.pem"), keys("outer").sign_public().to_pem().unwrap().as_bytes());
    for file in [sample::batch(), sample::sealed_status(&sample::status_statement(), &Default::default(), "x")] {
        let (signed, signature) = cut(&file);
        let signer = if file[8] == b'b' { "outer" } else { "inner" };
        put(&path("public.pem"), keys(signer).sign_public().to_pem().unwrap().as_bytes());
        put(&path("signature.der"), signature);
        put(&path("signed"), signed);
        let good = openssl_verify(directory.path());
        assert!(good.status.success(), "{}", text(&good));
        let mut other = signed.to_vec();
        other[40] ^= 1;
        put(&path("signed"), &other);
        assert!(!openssl_verify(directory.path()).status.success());
    }
}

#[test]
fn keys_and_signatures_of_openssl_are_ours_too() {
    if !openssl_is_there("keys_and_signatures_of_openssl_are_ours_too") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    openssl(&["genpkey", "-algorithm", "SM2", "-out", &path("private.pem")]);
    openssl(&["pkey", "-in", &path("private.pem"), "-pubout", "-out", &path("public.pem")]);
    openssl(&["pkey", "-in", &path("private.pem"), "-pubout", "-outform", "DER", "-out", &path("public.der")]);
    put(Path::new(&path("message")), b"ferry");
    let distid = "distid:1234567812345678";
    let (key, signature, message) = (path("private.pem"), path("signature.der"), path("message"));
    openssl(&["dgst", "-sm3", "-sign", &key, "-sigopt", distid, "-out", &signature, &message]);

    let public = PublicKey::from_pem(&std::fs::read_to_string(path("public.pem")).unwrap()).unwrap();
    assert_eq!(public.spki(), std::fs::read(path("public.der")).unwrap());
    public.verify(b"ferry", &std::fs::read(&signature).unwrap()).unwrap();
    let pem = std::fs::read_to_string(&key).unwrap();
    assert_eq!(SignKey::from_pem(&pem).unwrap().public(), &public);

    put(Path::new(&path("data-key")), &[7; 16]);
    openssl(&[
        "pkeyutl",
        "-encrypt",
        "-pubin",
        "-inkey",
        &path("public.pem"),
        "-in",
        &path("data-key"),
        "-out",
        &path("wrap"),
    ]);
    let unwrapped = EncryptKey::from_pem(&pem).unwrap().unwrap(&std::fs::read(path("wrap")).unwrap()).unwrap();
    assert_eq!(unwrapped.0, [7; 16]);
}

#[test]
fn a_script_reads_the_rows_after_the_specification() {
    let name = "a_script_reads_the_rows_after_the_specification";
    let Some(python) = python(name) else { return };
    if !openssl_is_there(name) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let long = format!(r#"["confirm","i","{}"]"#, "长".repeat(3000));
    let rows: Vec<&str> = CONFIRM_ROWS.into_iter().chain([long.as_str()]).collect();
    let payload = payload(&rows);
    for compression in [Compression::Zstd, Compression::None] {
        let file = sealed_as(&statement(&payload), &payload, "script", &recipients(), compression, 4096);
        let output = read_batch(&python, directory.path(), &file, "inner");
        assert!(output.status.success(), "{}", text(&output));
        let expected: Vec<u8> = rows.iter().flat_map(|row| [row.as_bytes(), b"\n"].concat()).collect();
        assert_eq!(output.stdout, expected);
        let digest = ferry_format::inspect_batch(&file).unwrap().digest;
        assert!(text(&output).contains(&digest.to_string()));

        let mut damaged = Parts::cut(&file);
        damaged.body[0] ^= 1;
        assert!(text(&read_batch(&python, directory.path(), &damaged.join(), "inner")).contains("modified in transit"));
        let changed = Parts::cut(&file).replace("\"seq\":3", "\"seq\":4").join();
        assert!(text(&read_batch(&python, directory.path(), &changed, "inner")).contains("does not verify"));
        assert!(text(&read_batch(&python, directory.path(), &file, "mallory")).contains("not sealed to this key"));
    }
}

#[test]
fn sm3_is_that_of_the_standard() {
    let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    assert_eq!(Digest::of(&[b"abc"]), raw::digest_of_hex(abc));
}

/// The signed bytes and the signature, by the offsets of `docs/format.md`.
fn cut(file: &[u8]) -> (&[u8], &[u8]) {
    let header_end = 16 + file[16..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let header = canon::parse(&file[16..header_end - 1]).unwrap();
    let envelope = get(&header, "envelope");
    let (Value::Integer(compressed), Value::Array(chunks)) = (get(envelope, "compressed"), get(envelope, "chunks"))
    else {
        panic!("an envelope")
    };
    let length_at = header_end + usize::try_from(*compressed).unwrap() + 16 * chunks.len();
    let length = usize::from(file[length_at]);
    (&file[..header_end], &file[length_at + 1..length_at + 1 + length])
}

fn openssl_verify(directory: &Path) -> Output {
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sm3", "-verify", "public.pem", "-signature", "signature.der"]);
    command.args(["-sigopt", "distid:1234567812345678", "signed"]).current_dir(directory).output().unwrap()
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", text(&output));
}

fn read_batch(python: &Path, directory: &Path, file: &[u8], receiver: &str) -> Output {
    let path = |name: &str| directory.join(name);
    put(&path("batch.dat"), file);
    put(&path("signer.pem"), keys("outer").sign_public().to_pem().unwrap().as_bytes());
    put(&path("key.pem"), keys(receiver).to_pem().1.as_bytes());
    let script = root().join("tools/read_batch.py");
    let mut command = Command::new(python);
    command.arg(script).args(["batch.dat", "--signer", "signer.pem", "--key", "key.pem"]);
    command.current_dir(directory).output().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[expect(clippy::disallowed_methods, reason = "a file of the test in its own directory")]
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

fn openssl_is_there(test: &str) -> bool {
    let output = Command::new("openssl").args(["list", "-public-key-algorithms"]).output();
    let there = output.is_ok_and(|output| text(&output).contains("SM2"));
    there || skip(test, "there is no openssl with SM2")
}

/// The interpreter that has both packages: the one that `FERRY_PYTHON` names, else that of the checks, else any.
fn python(test: &str) -> Option<PathBuf> {
    let named = variable("FERRY_PYTHON").map(PathBuf::from);
    let candidates = [named, Some(root().join("target/python/bin/python3")), Some(PathBuf::from("python3"))];
    let works = |python: &PathBuf| {
        let script = "import cryptography, zstandard; assert int(cryptography.__version__.split('.')[0]) >= 48";
        Command::new(python).args(["-c", script]).output().is_ok_and(|output| output.status.success())
    };
    let found = candidates.into_iter().flatten().find(works);
    if found.is_none() {
        skip(test, "there is no Python with the packages cryptography (48 or later) and zstandard");
    }
    found
}

fn skip(test: &str, why: &str) -> bool {
    println!("SKIPPED: {test}: {why}");
    assert_ne!(variable("FERRY_NO_SKIP").as_deref(), Some("1"), "{test} may not be skipped");
    false
}

#[expect(clippy::disallowed_methods, reason = "tells the test where the tools are, and whether they may be missing")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
