//! The profiles that come with the program.

/// A profile that comes with the program.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Its TOML text, with the fields that differ from the default.
    pub toml: &'static str,
}

/// Every built-in profile, from the mildest to the roughest.
pub const BUILT_INS: &[BuiltIn] = &[
    BuiltIn { name: "instant", toml: include_str!("../../profiles/instant.toml") },
    BuiltIn { name: "by-hand", toml: include_str!("../../profiles/by-hand.toml") },
    BuiltIn { name: "perfect", toml: include_str!("../../profiles/perfect.toml") },
    BuiltIn { name: "seed-a", toml: include_str!("../../profiles/seed-a.toml") },
    BuiltIn { name: "two-zone", toml: include_str!("../../profiles/two-zone.toml") },
    BuiltIn { name: "three-zone", toml: include_str!("../../profiles/three-zone.toml") },
    BuiltIn { name: "alphabetical", toml: include_str!("../../profiles/alphabetical.toml") },
    BuiltIn { name: "one-way-down", toml: include_str!("../../profiles/one-way-down.toml") },
    BuiltIn { name: "demo", toml: include_str!("../../profiles/demo.toml") },
    BuiltIn { name: "rough", toml: include_str!("../../profiles/rough.toml") },
];
