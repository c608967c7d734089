//! What is drawn afresh where nobody says otherwise.

/// The largest fresh seed: short enough to be typed again.
const SEED_MAX: u64 = 999_999_999;

/// A seed that nobody has chosen.
pub fn fresh() -> u64 {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 8];
    ring::rand::SystemRandom::new().fill(&mut bytes).unwrap();
    u64::from_be_bytes(bytes) % SEED_MAX
}
