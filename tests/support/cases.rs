//! How many cases a property is tried on.

use proptest::prelude::ProptestConfig;

/// At least so many, and more by `PROPTEST_CASES`.
pub(crate) fn at_least(cases: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.max(cases),
        max_global_rejects: u32::MAX,
        ..usual
    }
}
