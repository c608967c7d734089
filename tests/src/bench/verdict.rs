//! Whether what was measured keeps what was promised: a benchmark that does not ends with an error.

use super::Percentiles;

/// How long something may take.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// So many of a hundred must keep to it; 100 means all.
    pub percent: usize,
    /// The longest of those, in milliseconds.
    pub ms: f64,
}

/// Adds what is wrong with a part of a benchmark: times beyond the budget, and requests that failed.
pub fn judge(part: &str, budget: Option<(Budget, &Percentiles)>, errors: u64, faults: &mut Vec<String>) {
    if errors > 0 {
        faults.push(format!("{part}: {errors} requests failed"));
    }
    let Some((Budget { percent, ms }, times)) = budget else { return };
    let took = times.milliseconds(percent);
    if took > ms {
        let which = if percent == 100 { "the longest".to_owned() } else { format!("p{percent}") };
        faults.push(format!("{part}: {which} is {took:.1} ms, beyond the budget of {ms} ms"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn found(percent: usize, errors: u64) -> Vec<String> {
        let times = Percentiles::of((1..=100).map(Duration::from_millis).collect());
        let mut faults = Vec::new();
        judge("some", Some((Budget { percent, ms: 99.0 }, &times)), errors, &mut faults);
        faults
    }

    #[test]
    fn a_time_beyond_the_budget_is_told_with_what_it_is() {
        assert_eq!(found(99, 0), Vec::<String>::new());
        assert_eq!(found(100, 0), ["some: the longest is 100.0 ms, beyond the budget of 99 ms"]);
    }

    #[test]
    fn a_request_that_failed_is_told() {
        assert_eq!(found(99, 2), ["some: 2 requests failed"]);
    }
}
