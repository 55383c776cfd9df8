use std::process::Command;

use ottoflow::backend::gpu::{AdapterKind, Gpu, GpuError, GpuSweep, Memory, Selection, adapters};
use ottoflow::divergence::Kl;
use ottoflow::flow::Diffusion;
use ottoflow::grid::{Axis, Boundary, Grid};

use crate::gpu;

fn line(cells: usize) -> Grid {
    Grid::new(vec![Axis {
        lower: 0.0,
        upper: 1.0,
        cells,
        boundary: Boundary::NoFlux,
    }])
    .unwrap()
}

#[test]
fn hardware_alone_is_refused_where_there_is_only_software() {
    let Some(_) = gpu() else { return };
    let opened = Gpu::open(Selection::Hardware);
    if adapters()[0].kind == AdapterKind::Hardware {
        assert_eq!(opened.unwrap().adapter().kind, AdapterKind::Hardware);
        return;
    }
    let message = opened.map(drop).unwrap_err().to_string();
    let start = "no GPU: looked for a hardware adapter through Vulkan, Metal and Direct3D 12, found only the software adapter ";
    assert!(message.starts_with(start), "{message}");
}

/// Runs itself again with a loader that finds no driver.
#[cfg(target_os = "linux")]
#[test]
fn without_a_driver_the_error_says_what_was_looked_for() {
    const NOWHERE: &str = "/nowhere.json";
    if std::env::var("VK_DRIVER_FILES").is_ok_and(|files| files == NOWHERE) {
        assert_eq!(adapters(), []);
        let error = Gpu::open(Selection::HardwareOrSoftware)
            .map(drop)
            .unwrap_err();
        let message = "no GPU: looked for a hardware or software adapter through Vulkan, Metal and Direct3D 12, found no adapter at all; install the driver of the GPU, or run on the CPU (--backend cpu)";
        assert_eq!(error.to_string(), message);
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "errors::without_a_driver_the_error_says_what_was_looked_for",
        ])
        .envs(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].map(|name| (name, NOWHERE)))
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stdout)
    );
}

#[test]
fn a_field_of_another_length_is_refused() {
    let Some(gpu) = gpu() else { return };
    let grid = line(10);
    let error = GpuSweep::new::<Diffusion<Kl>>(&gpu, &grid, &[1.0; 9])
        .map(drop)
        .unwrap_err();
    assert_eq!(
        error,
        GpuError::Length {
            field: "weight",
            found: 9,
            expected: 10
        }
    );
    let mut sweep = GpuSweep::new::<Diffusion<Kl>>(&gpu, &grid, &[1.0; 10]).unwrap();
    let error = sweep.load(&[1.0; 11]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ratio: 11 values found, 10 expected, one for each cell of the grid"
    );
}

#[test]
fn a_field_beyond_the_adapter_is_refused_with_the_numbers() {
    let Some(gpu) = gpu() else { return };
    let limit = gpu.adapter().largest_field;
    let cells = (limit / 4 + 1) as usize;
    let found = GpuSweep::new::<Diffusion<Kl>>(&gpu, &line(cells), &[]).map(drop);
    let adapter = gpu.adapter().name.clone();
    assert_eq!(
        found,
        Err(GpuError::TooLarge {
            adapter,
            cells,
            bytes: 4 * cells as u64,
            limit
        })
    );
}

#[test]
fn the_adapter_that_is_opened_is_listed_first() {
    let Some(gpu) = gpu() else { return };
    assert_eq!(Some(gpu.adapter()), adapters().first());
}

#[test]
fn numbers_are_read_from_any_place_on_as_far_as_there_are_some() {
    let Some(gpu) = gpu() else { return };
    let memory = Memory::new(&gpu, 3).unwrap();
    let values = memory.values(&[1.0, 2.0, 3.0]).unwrap();
    for (first, expected) in [(0, &[1.0, 2.0, 3.0][..]), (1, &[2.0, 3.0]), (1, &[2.0])] {
        let mut numbers = vec![0.0; expected.len()];
        memory.read_from(&values, first, &mut numbers).unwrap();
        assert_eq!(numbers, expected);
    }
    let expected = GpuError::Length {
        field: "numbers",
        found: 4,
        expected: 3,
    };
    let refused = memory.read_from(&values, 2, &mut [0.0; 2]);
    assert_eq!(refused, Err(expected));
}
