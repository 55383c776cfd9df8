//! Every claim of the theory that `ottoflow validate` checks holds, on the reference and in single precision.

use ottoflow::flow::Device;
use ottoflow::validation::checks;

fn hold_on(device: &Device) {
    let outcomes: Vec<_> = checks(device)
        .iter()
        .map(|check| check.run(device))
        .collect();
    for outcome in &outcomes {
        println!("{}: {}", outcome.name, outcome.measurement.measured);
    }
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| !outcome.measurement.holds)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_check_holds_on_the_reference() {
    hold_on(&Device::CpuDouble);
}

#[test]
fn every_check_of_a_device_holds_in_single_precision() {
    hold_on(&Device::CpuSingle);
}
