//! Every claim of the theory that `ottoflow validate` checks holds.

use ottoflow::validation::checks;

#[test]
fn every_check_of_the_theory_holds() {
    let outcomes: Vec<_> = checks().iter().map(|check| check.run()).collect();
    for outcome in &outcomes {
        println!("{}: {}", outcome.name, outcome.measurement.measured);
    }
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| !outcome.measurement.holds)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
