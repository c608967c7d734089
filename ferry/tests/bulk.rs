//! x
use std::time::Instant;
#[path = "operator/archive.rs"]
mod archive;
#[test]
fn bulk() {
    let mut a = archive::Archive::new();
    let mut last: Option<archive::Made> = None;
    for _ in 0..20000 {
        let next = a.confirm(last.as_ref());
        a.keep(&next);
        last = Some(next);
    }
    a.inner_status(1, vec![last.unwrap().mark()], archive::head(1, 2));
    let t = Instant::now();
    let out = std::process::Command::new("/usr/bin/time")
        .arg("-v")
        .arg(env!("CARGO_BIN_EXE_ferry"))
        .arg("verify")
        .arg(a.files())
        .arg("--trust")
        .arg(a.cards())
        .output();
    if let Ok(out) = out {
        println!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    }
    println!("{:?} {}", t.elapsed(), a.verify(&[]).0);
}
