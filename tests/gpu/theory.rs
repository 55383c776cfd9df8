//! Every check of the theory that devices carry out holds on the GPU.

use ottoflow::flow::Device;
use ottoflow::validation::checks;

use crate::gpu;

#[test]
fn every_check_of_a_device_holds() {
    let Some(gpu) = gpu() else { return };
    let device = Device::Gpu(gpu);
    for check in checks(&device) {
        let outcome = check.run(&device);
        assert!(outcome.measurement.holds, "{outcome:#?}");
    }
}
