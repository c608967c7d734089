//! Gives every file of the corpus to its target, without libFuzzer.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

/// A corpus is replayed in every check and travels with the sources, so it stays small.
const CORPUS_FILES_MAX: usize = 150;
/// The same, in bytes.
const CORPUS_BYTES_MAX: u64 = 400 << 10;
/// The most memory that replaying may take: the largest batch, packed and unpacked, several times over.
const RESIDENT_BYTES_MAX: u64 = 512 << 20;

#[test]
fn every_file_of_the_corpus_keeps_what_its_target_promises() {
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "corpus/{name} is empty");
        let mut accepted = 0;
        for file in &files {
            let bytes = fs::read(file).expect("a file of the corpus can be read");
            match catch_unwind(|| target(&bytes)) {
                Ok(is_accepted) => accepted += usize::from(is_accepted),
                Err(_) => broken.push(file.display().to_string()),
            }
        }
        println!("{name}: {accepted} of {} files are accepted", files.len());
        assert!(accepted > 0, "no file of corpus/{name} is accepted, so what holds for good ones was not tried");
    }
    assert!(broken.is_empty(), "promises are broken by:\n  {}", broken.join("\n  "));
    let resident = resident_bytes();
    assert!(resident <= RESIDENT_BYTES_MAX, "{resident} bytes of memory were taken");
}

#[test]
fn every_corpus_belongs_to_a_target_and_stays_small() {
    let mut names: Vec<String> = entries(&root()).into_iter().map(name_of).collect();
    names.sort();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
    for (name, _) in TARGETS {
        let files = corpus(name);
        let bytes: u64 = files.iter().map(|file| file.metadata().expect("its size is known").len()).sum();
        assert!(files.len() <= CORPUS_FILES_MAX, "corpus/{name} has {} files", files.len());
        assert!(bytes <= CORPUS_BYTES_MAX, "corpus/{name} has {bytes} bytes");
    }
}

#[test]
fn every_target_has_a_program() {
    let mut names: Vec<String> = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin"))
        .into_iter()
        .map(|path| name_of(path.with_extension("")))
        .collect();
    names.sort();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn corpus(target: &str) -> Vec<PathBuf> {
    let mut files = entries(&root().join(target));
    files.sort();
    files
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.expect("the directory was just opened").path()).collect()
}

fn name_of(path: PathBuf) -> String {
    path.file_name().and_then(|name| name.to_str()).expect("names in the repository are UTF-8").to_owned()
}

/// The most memory that this process has had at once.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells a process about itself");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is told");
    let kilobytes = line.trim().strip_suffix(" kB").expect("it is told in kilobytes");
    kilobytes.trim().parse::<u64>().expect("it is a number") << 10
}
