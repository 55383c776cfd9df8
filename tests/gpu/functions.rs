//! The elementary functions on the device, against the truth.

use ottoflow::calculus::{Format, Precision, Real, elementary_functions};
use wgpu::util::DeviceExt;

use crate::gpu;

/// Values of a WGSL function on the adapter under test.
fn evaluate<F: Format>(function: &str, arguments: &[F]) -> Vec<F> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).unwrap();
    let required_features = match F::PRECISION {
        Precision::Single => wgpu::Features::empty(),
        Precision::Double => wgpu::Features::SHADER_F64 | wgpu::Features::SHADER_INT64,
    };
    let descriptor = wgpu::DeviceDescriptor {
        required_features,
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let text = format!(
        "{}
@group(0) @binding(0) var<storage, read> arguments: array<{format}>;
@group(0) @binding(1) var<storage, read_write> values: array<{format}>;
@compute @workgroup_size(64)
fn evaluate(@builtin(global_invocation_id) id: vec3<u32>) {{
    if id.x < arrayLength(&arguments) {{
        values[id.x] = {function}(arguments[id.x]);
    }}
}}",
        elementary_functions::<F>(),
        format = F::NAME
    );
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(text.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("evaluate"),
        compilation_options: Default::default(),
        cache: None,
    });
    let contents = bytemuck::cast_slice(arguments);
    let buffer = |usage| {
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents,
            usage,
        })
    };
    let input = buffer(wgpu::BufferUsages::STORAGE);
    let output = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let readable = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: input.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: output.as_entire_binding(),
            },
        ],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    let mut pass = encoder.begin_compute_pass(&Default::default());
    pass.set_pipeline(&pipeline);
    pass.set_bind_group(0, &group, &[]);
    pass.dispatch_workgroups((arguments.len() as u32).div_ceil(64), 1, 1);
    drop(pass);
    encoder.copy_buffer_to_buffer(&output, 0, &readable, 0, output.size());
    queue.submit([encoder.finish()]);
    readable.map_async(wgpu::MapMode::Read, .., Result::unwrap);
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let view = readable.get_mapped_range(..).unwrap();
    bytemuck::pod_collect_to_vec(&view)
}

/// Arguments in (lower, upper), half of them evenly, half on a logarithmic scale around 0.
fn arguments(lower: f64, upper: f64) -> Vec<f32> {
    let one = |index: u32| {
        let share = f64::from(index) * 0.618_033_988_749_894_9 % 1.0;
        match index % 4 {
            0 | 1 => lower + share * (upper - lower),
            2 => (1e-30_f64.powf(share) * upper).max(lower),
            _ => (-1e-30_f64.powf(share)).max(lower),
        }
    };
    let inside = (0..1 << 18).map(|index| one(index) as f32);
    inside
        .filter(|x| f64::from(*x) > lower && f64::from(*x) < upper)
        .collect()
}

/// The device stays within `bound` units in the last place: what the function keeps on the CPU, and what WGSL leaves open on a device.
/// There a sum may be taken in another order (one unit more), a division may err by 2.5 units in place of ½ (two more where it stands
/// last), and the correction of 1 + x may be simplified to zero (`ln_1p` is then `ln_1p_regular`). Subnormal numbers may be flushed
/// to zero.
fn check(function: &str, bound: f64, (lower, upper): (f64, f64), truth: fn(f64) -> f64) {
    if gpu().is_none() {
        return;
    }
    let arguments = arguments(lower, upper);
    let mut worst = (0.0, 0.0);
    for (x, value) in arguments.iter().zip(evaluate(function, &arguments)) {
        let expected = truth(f64::from(*x));
        let exponent = expected
            .abs()
            .max(f64::from(f32::MIN_POSITIVE))
            .log2()
            .floor();
        let difference = (f64::from(value) - expected).abs();
        if expected.abs() < f64::from(f32::MIN_POSITIVE) && difference <= expected.abs() {
            continue;
        }
        let error = difference / (exponent - 23.0).exp2();
        if error.is_nan() || error > worst.0 {
            worst = (error, *x);
        }
    }
    println!("{function}: {:.3} units at {:e}", worst.0, worst.1);
    assert!(
        worst.0 <= bound,
        "{function}: {} units at {:e}, bound {bound}",
        worst.0,
        worst.1
    );
}

#[test]
fn exponentials_keep_their_accuracy() {
    check("of_exp", 2.0, (-110.0, 88.7), f64::exp);
    check("of_exp_m1", 3.0, (-110.0, 88.7), f64::exp_m1);
    check("of_tanh", 7.0, (-20.0, 20.0), f64::tanh);
    check("of_exp_remainder", 5.0, (-100.0, 88.0), |x| {
        match x.abs() < 0.01 {
            true => {
                x * x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0))))
            }
            false => x.exp_m1() - x,
        }
    });
}

#[test]
fn logarithms_keep_their_accuracy() {
    check("of_ln", 2.0, (1.2e-38, 3.4e38), f64::ln);
    check("of_ln", 2.0, (0.25, 4.0), f64::ln);
    check("of_ln_1p", 3.5, (-1.0, 3.4e38), f64::ln_1p);
    check("of_ln_1p", 3.5, (-1.0, 4.0), f64::ln_1p);
    check("of_ln_1p_regular", 3.5, (-1.0, 3.4e38), f64::ln_1p);
    check("of_ln_1p_regular", 3.5, (-1.0, 4.0), f64::ln_1p);
    check("of_softplus", 3.5, (-80.0, 100.0), |x| {
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    });
}

#[test]
fn exceptional_arguments_give_the_limits() {
    if gpu().is_none() {
        return;
    }
    let arguments = [0.0, f32::INFINITY, -f32::INFINITY, -2.0];
    let expected = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN, f32::NAN];
    for (value, expected) in evaluate("of_ln", &arguments).into_iter().zip(expected) {
        assert!(
            value == expected || value.is_nan() && expected.is_nan(),
            "{value} {expected}"
        );
    }
    assert_eq!(
        evaluate("of_exp", &[f32::INFINITY, f32::NEG_INFINITY, 0.0]),
        [f32::INFINITY, 0.0, 1.0]
    );
}

/// In f64 the device stays within as many units of the CPU as it may be from the truth in f32: there the same polynomials are held to theirs.
fn check_double(function: &str, bound: f64, (lower, upper): (f64, f64), on_cpu: fn(f64) -> f64) {
    let Some(gpu) = gpu() else { return };
    if !gpu.adapter().double_precision {
        println!("skipped: {} does not compute in f64", gpu.adapter().name);
        return;
    }
    let arguments: Vec<f64> = arguments(lower, upper).into_iter().map(f64::from).collect();
    assert!(!arguments.is_empty());
    let mut worst = (0.0, 0.0);
    for (x, value) in arguments.iter().zip(evaluate(function, &arguments)) {
        let expected = on_cpu(*x);
        let exponent = expected.abs().max(f64::MIN_POSITIVE).log2().floor();
        let error = (value - expected).abs() / (exponent - 52.0).exp2();
        if error.is_nan() || error > worst.0 {
            worst = (error, *x);
        }
    }
    println!("{function} in f64: {:.3} units at {:e}", worst.0, worst.1);
    assert!(
        worst.0 <= bound,
        "{function} in f64: {} units at {:e}, bound {bound}",
        worst.0,
        worst.1
    );
}

#[test]
fn functions_in_double_precision_are_those_of_the_cpu() {
    check_double("of_exp", 2.0, (-700.0, 709.0), Real::exp);
    check_double("of_exp_m1", 3.0, (-700.0, 709.0), Real::exp_m1);
    check_double("of_tanh", 7.0, (-20.0, 20.0), Real::tanh);
    check_double(
        "of_exp_remainder",
        5.0,
        (-700.0, 709.0),
        Real::exp_remainder,
    );
    check_double("of_ln", 2.0, (1e-37, 3e38), Real::ln);
    check_double("of_ln", 2.0, (0.25, 4.0), Real::ln);
    check_double("of_ln_1p", 3.5, (-1.0, 3e38), Real::ln_1p);
    check_double("of_ln_1p", 3.5, (-1.0, 4.0), Real::ln_1p);
    check_double("of_ln_1p_regular", 3.5, (-1.0, 4.0), Real::ln_1p_regular);
    check_double("of_softplus", 3.5, (-600.0, 700.0), Real::softplus);
}

#[test]
fn exceptional_arguments_give_the_limits_in_double_precision_too() {
    if gpu().is_none_or(|gpu| !gpu.adapter().double_precision) {
        println!("skipped: no adapter that computes in f64");
        return;
    }
    let arguments = [0.0, f64::INFINITY, -f64::INFINITY, -2.0, 5e-324, f64::MAX];
    for (value, x) in evaluate("of_ln", &arguments).into_iter().zip(arguments) {
        let expected = Real::ln(x);
        let same = (value - expected).abs() <= 2e-13 || value == expected;
        assert!(same || value.is_nan() && expected.is_nan(), "{x:e} {value}");
    }
    let arguments = [f64::INFINITY, f64::NEG_INFINITY, 0.0, 710.0, -746.0];
    let expected = [f64::INFINITY, 0.0, 1.0, f64::INFINITY, 0.0];
    assert_eq!(evaluate("of_exp", &arguments), expected);
}
