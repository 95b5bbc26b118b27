//! Properties of the built-in ops: no input, however large or odd, makes one panic, and the arithmetic of windows and
//! ranges agrees with counting them one by one.

use ir::cost::Convention;
use ir::hash::StableHasher;
use ir::op::{Op, OpError, OpRegistry};
use ir::value::{Name, Value};
use ir::{DType, Dim, TensorType};
use proptest::prelude::*;
use proptest::sample::select;

/// The ops that have weights, unless an attribute takes them away.
const WEIGHTED: [&str; 6] = ["conv2d", "linear", "batch_norm", "layer_norm", "group_norm", "parameter"];

fn make(name: &str, attrs: &[(&str, Value)]) -> Result<Op, OpError> {
    let attrs: Vec<_> = attrs.iter().map(|(n, v)| (Name::new(n), v.clone())).collect();
    OpRegistry::default().kind(name)?.make(&attrs)
}

fn int(x: u32) -> Value {
    Value::Int(i64::from(x))
}

fn image(c: u32, h: u32, w: u32) -> TensorType {
    TensorType::image(c, h, w)
}

/// Small sizes mostly, and those at which arithmetic goes wrong.
fn size() -> BoxedStrategy<u32> {
    let edges = select(vec![0, 1, 1 << 16, (1 << 16) + 1, 1 << 31, u32::MAX - 1, u32::MAX]);
    prop_oneof![6 => 1..=16_u32, 2 => edges, 1 => any::<u32>()].boxed()
}

fn signed() -> BoxedStrategy<i64> {
    let edges = select(vec![i64::MIN, i64::MIN + 1, -(1 << 32), 1 << 32, i64::MAX]);
    prop_oneof![6 => -5..=5_i64, 2 => size().prop_map(i64::from), 1 => edges].boxed()
}

fn real() -> BoxedStrategy<Value> {
    let edges = select(vec![0.0, -0.0, 1.0, -1.0, 1e-5, f64::MAX, f64::INFINITY, f64::NAN]);
    prop_oneof![3 => 0.0..=1.0_f64, 1 => edges].prop_map(Value::from).boxed()
}

fn pair() -> BoxedStrategy<Value> {
    let both = (size(), size()).prop_map(|(h, w)| Value::List(vec![int(h), int(w)]));
    prop_oneof![size().prop_map(int), both].boxed()
}

fn list(item: BoxedStrategy<i64>) -> BoxedStrategy<Value> {
    prop::collection::vec(item.prop_map(Value::Int), 0..5).prop_map(Value::List).boxed()
}

/// Values of the kind that an attribute takes. A new attribute must be added here.
fn attr_value(op: &str, attr: &str) -> BoxedStrategy<Value> {
    match (op, attr) {
        ("adaptive_avg_pool", "out") => pair(),
        (_, "k" | "stride" | "pad" | "dilation" | "before" | "after") => pair(),
        (_, "fan_in" | "out" | "groups" | "parts" | "step" | "trailing") => size().prop_map(int).boxed(),
        (_, "axis" | "start" | "end") => signed().prop_map(Value::Int).boxed(),
        ("add", "mean") | (_, "bias" | "affine" | "track" | "ceil" | "count_include_pad" | "keepdim" | "tanh") => {
            any::<bool>().prop_map(Value::Bool).boxed()
        }
        (_, "eps" | "momentum" | "p" | "value") => real(),
        (_, "dtype") => select(DType::ALL.to_vec()).prop_map(|d| Value::label(d.as_str())).boxed(),
        (_, "axes") => list(signed()),
        ("reshape", "shape") => list(signed()),
        (_, "shape" | "sizes") => list(size().prop_map(i64::from).boxed()),
        (_, "perm") => Just(vec![0, 1, 2, 3])
            .prop_shuffle()
            .prop_flat_map(|p| (0..=4_usize).prop_map(move |n| p[..n].iter().map(|i| Value::Int(*i)).collect()))
            .prop_map(Value::List)
            .boxed(),
        (op, attr) => panic!("the test has no values for the attribute `{attr}` of `{op}`"),
    }
}

/// A built-in op with some or all of its attributes given.
fn some_op() -> BoxedStrategy<Op> {
    let registry = OpRegistry::default();
    let builtin: Vec<_> = registry.kinds().into_iter().filter(|k| k.name() != "custom").collect();
    let any_kind = select(builtin).prop_flat_map(|kind| {
        let attrs: Vec<_> = kind
            .attrs()
            .iter()
            .map(|spec| {
                let name = Name::new(spec.name);
                let value = attr_value(kind.name(), spec.name).prop_map(move |v| (name.clone(), v));
                (if spec.required { Just(true).boxed() } else { any::<bool>().boxed() }, value)
            })
            .collect();
        attrs.prop_map(move |attrs| {
            let given: Vec<_> = attrs.into_iter().filter(|(given, _)| *given).map(|(_, a)| a).collect();
            kind.make(&given).expect("attributes of the right kind")
        })
    });
    any_kind.boxed()
}

fn some_dim() -> BoxedStrategy<Dim> {
    prop_oneof![4 => size().prop_map(Dim::fixed), 1 => size().prop_map(Dim::batches)].boxed()
}

fn some_type() -> BoxedStrategy<TensorType> {
    let dtype = prop_oneof![3 => Just(DType::F32), 1 => select(DType::ALL.to_vec())];
    let free = prop::collection::vec(some_dim(), 0..6);
    let small = (1..=32_u32, 1..=32_u32, 1..=32_u32);
    let batch = prop_oneof![
        small.prop_map(|(c, h, w)| image(c, h, w).shape.to_vec()),
        (size(), size(), size()).prop_map(|(c, h, w)| image(c, h, w).shape.to_vec()),
        size().prop_map(|f| vec![Dim::BATCH, f.into()]),
    ];
    (dtype, prop_oneof![1 => free, 2 => batch]).prop_map(|(d, shape)| TensorType::new(d, shape)).boxed()
}

/// Unrelated types, or the same one repeated, so that ops of several inputs are accepted too.
fn some_inputs() -> BoxedStrategy<Vec<TensorType>> {
    let same = (some_type(), 0..4_usize).prop_map(|(t, n)| vec![t; n]);
    prop_oneof![same, prop::collection::vec(some_type(), 0..3), some_type().prop_map(|t| vec![t])].boxed()
}

fn fingerprint(op: &Op) -> String {
    let mut h = StableHasher::new(1);
    op.feed(&mut h);
    h.finish().to_string()
}

/// Failures are printed, not kept in files.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(8_000))]

    #[test]
    fn nothing_panics_and_every_count_has_a_value(op in some_op(), x in some_inputs()) {
        let x: Vec<_> = x.iter().collect();
        let y = match op.infer(&x) {
            Ok(y) => y,
            Err(e) => {
                prop_assert!(!e.to_string().is_empty());
                return Ok(());
            }
        };
        prop_assert!((1..=256).contains(&y.len()), "{op}: {} outputs", y.len());
        for c in Convention::ALL {
            let _ = op.macs(c, &x, &y);
        }
        let weights = op.weights(&x);
        prop_assert!(weights.is_empty() || WEIGHTED.contains(&op.name()), "{op} has weights");
        for w in &weights {
            prop_assert!(w.numel() > 0, "{op} has an empty weight {}", w.name);
        }
    }

    #[test]
    fn attributes_come_back(op in some_op()) {
        let kind = OpRegistry::default().kind(op.name()).expect("a built-in op");
        let again = kind.make(&op.attrs()).expect("its own attributes");
        prop_assert_eq!(&again, &op);
        prop_assert_eq!(again.to_string(), op.to_string());
        prop_assert_eq!(fingerprint(&again), fingerprint(&op));
    }

    #[test]
    fn rearranging_keeps_the_elements(op in some_op(), x in some_type()) {
        let keeps = ["reshape", "transpose", "flatten", "channel_shuffle", "identity", "split"];
        if let (true, Ok(y)) = (keeps.contains(&op.name()), op.infer(&[&x])) {
            let total = y.iter().fold(0_u64, |n, y| n.saturating_add(y.numel()));
            prop_assert_eq!(total, x.numel());
        }
    }
}

/// The positions at which a window lies wholly inside the padded side.
fn count_windows(size: i64, k: i64, stride: i64, pad: i64, dilation: i64) -> i64 {
    let fits = |start: &i64| start + dilation * (k - 1) < size + pad;
    (-pad..size + pad).step_by(stride as usize).take_while(fits).count() as i64
}

/// As above with a last, partial window, if it starts before the right padding.
fn count_windows_up(size: i64, k: i64, stride: i64, pad: i64) -> i64 {
    let mut n = 0;
    for start in (-pad..size).step_by(stride as usize) {
        n += 1;
        if start + k >= size + pad {
            break;
        }
    }
    n
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn convolution_windows_are_counted(
        (size, other) in (1..=20_u32, 1..=20_u32), k in 1..=6_u32, stride in 1..=5_u32, pad in 0..=4_u32,
        dilation in 1..=3_u32,
    ) {
        let attrs = [("out", int(2)), ("k", Value::List(vec![int(k), int(1)])), ("stride", int(stride)),
            ("pad", Value::List(vec![int(pad), int(0)])), ("dilation", int(dilation))];
        let op = make("conv2d", &attrs).expect("legal");
        let n = count_windows(size.into(), k.into(), stride.into(), pad.into(), dilation.into()) as u32;
        match op.infer(&[&image(3, size, other)]) {
            Ok(y) => prop_assert_eq!(&y[0], &image(2, n, other.div_ceil(stride))),
            Err(e) => prop_assert!(n == 0, "{n} windows, but {e}"),
        }
    }

    #[test]
    fn pooling_windows_are_counted(
        size in 1..=20_u32, k in 1..=6_u32, stride in 1..=7_u32, pad in 0..=3_u32, ceil: bool,
        name in select(vec!["max_pool", "avg_pool"]),
    ) {
        let pad = pad.min(k / 2);
        let op = make(name, &[("k", int(k)), ("stride", int(stride)), ("pad", int(pad)), ("ceil", ceil.into())]);
        let whole = count_windows(size.into(), k.into(), stride.into(), pad.into(), 1);
        let n = if ceil && whole > 0 { count_windows_up(size.into(), k.into(), stride.into(), pad.into()) } else { whole };
        match op.expect("legal").infer(&[&image(3, size, size)]) {
            Ok(y) => prop_assert_eq!(&y[0], &image(3, n as u32, n as u32)),
            Err(e) => prop_assert!(n == 0, "{n} windows, but {e}"),
        }
    }

    #[test]
    fn slices_are_pythons(size in 1..=12_u32, start in -15..=15_i64, end in -15..=15_i64, step in 1..=4_u32) {
        let attrs = [("axis", Value::Int(1)), ("start", start.into()), ("end", end.into()), ("step", int(step))];
        let from_end = |i: i64| if i < 0 { (i + i64::from(size)).max(0) } else { i };
        let (start, end) = (from_end(start), from_end(end));
        let inside = |i: &i64| *i >= start && *i < end && (*i - start) % i64::from(step) == 0;
        let n = (0..i64::from(size)).filter(inside).count() as u32;
        let x = TensorType::new(DType::F32, [Dim::BATCH, size.into()]);
        match make("slice", &attrs).expect("legal").infer(&[&x]) {
            Ok(y) => prop_assert_eq!(y[0].shape[1], Dim::fixed(n)),
            Err(e) => prop_assert!(n == 0, "{n} indices, but {e}"),
        }
    }

    #[test]
    fn zero_keeps_every_strideth_pixel(h in 1..=20_u32, w in 1..=20_u32, stride in 1..=6_u32) {
        let op = make("zero", &[("stride", int(stride))]).expect("legal");
        let kept = |size: u32| (0..size).step_by(stride as usize).count() as u32;
        prop_assert_eq!(&op.infer(&[&image(3, h, w)]).expect("fits")[0], &image(3, kept(h), kept(w)));
    }

    #[test]
    fn adaptive_pooling_costs_its_windows(out_h in 1..=6_u32, out_w in 1..=6_u32, k_h in 1..=5_u32, k_w in 1..=5_u32) {
        let op = make("adaptive_avg_pool", &[("out", Value::List(vec![int(out_h), int(out_w)]))]).expect("legal");
        let x = image(7, out_h * k_h, out_w * k_w);
        let y = op.infer(&[&x]).expect("fits");
        prop_assert_eq!(&y[0], &image(7, out_h, out_w));
        let windows = u64::from(7 * out_h * out_w);
        prop_assert_eq!(op.macs(Convention::Thop, &[&x], &y), windows * u64::from(k_h * k_w + 1));
    }

    #[test]
    fn concat_undoes_split(sizes in prop::collection::vec(1..=9_u32, 1..6), axis in 1..=3_i64) {
        let whole: u32 = sizes.iter().sum();
        let mut x = image(5, 6, 7);
        x.shape[axis as usize] = whole.into();
        let list = Value::List(sizes.iter().map(|s| int(*s)).collect());
        let pieces = make("split", &[("sizes", list), ("axis", axis.into())]).expect("legal").infer(&[&x]).expect("fits");
        let pieces: Vec<_> = pieces.iter().collect();
        let y = make("concat", &[("axis", axis.into())]).expect("legal").infer(&pieces).expect("fits");
        prop_assert_eq!(&y[0], &x);
    }

    #[test]
    fn matmul_is_a_linear_layer(batch in 1..=4_u32, features in 1..=9_u32, out in 1..=9_u32) {
        let x = TensorType::new(DType::F32, [Dim::BATCH, batch.into(), features.into()]);
        let w = TensorType::new(DType::F32, [Dim::fixed(features), Dim::fixed(out)]);
        let linear = make("linear", &[("out", int(out)), ("bias", false.into())]).expect("legal");
        let matmul = make("matmul", &[]).expect("legal");
        let (y, z) = (linear.infer(&[&x]).expect("fits"), matmul.infer(&[&x, &w]).expect("fits"));
        prop_assert_eq!(&y, &z);
        for c in Convention::ALL {
            prop_assert_eq!(linear.macs(c, &[&x], &y), matmul.macs(c, &[&x, &w], &z));
        }
    }
}

#[test]
fn the_table_lists_every_op_by_its_name() {
    let registry = OpRegistry::default();
    let kinds = registry.kinds();
    let names: Vec<_> = kinds.iter().map(|k| k.name()).collect();
    let expected = "conv2d linear batch_norm layer_norm group_norm relu relu6 gelu silu hardswish sigmoid tanh softmax \
        max_pool avg_pool global_avg_pool adaptive_avg_pool add sub mul div matmul embedding concat split slice flatten reshape \
        transpose mean sum dropout drop_path constant parameter identity zero pad channel_shuffle custom";
    assert_eq!(names.join(" "), expected);
    assert!(kinds.iter().all(|k| !k.summary().is_empty()));
}

/// Adds up one op after another along a path.
struct Tally {
    x: TensorType,
    macs: [u64; 3],
}

impl Tally {
    fn then(&mut self, times: u64, name: &str, attrs: &[(&str, Value)]) -> &mut Self {
        let op = make(name, attrs).expect("legal");
        let y = op.infer(&[&self.x]).expect("fits");
        for (sum, c) in self.macs.iter_mut().zip(Convention::ALL) {
            *sum += times * op.macs(c, &[&self.x], &y);
        }
        self.x = y[0].clone();
        self
    }

    fn conv(&mut self, times: u64, out: u32, k: u32, stride: u32) -> &mut Self {
        let attrs =
            [("out", int(out)), ("k", int(k)), ("stride", int(stride)), ("pad", int(k / 2)), ("bias", false.into())];
        self.then(times, "conv2d", &attrs)
    }
}

/// Architecture 0 of NAS-Bench-201, whose cell has two 1x1 convolutions and one average pooling, by each convention:
/// the benchmark's own number, and what `thop` and `ptflops` print.
#[test]
fn conventions_give_the_published_counts() {
    let mut net = Tally { x: image(3, 32, 32), macs: [0; 3] };
    net.conv(1, 16, 3, 1).then(1, "batch_norm", &[]);
    for (stage, c) in [16, 32, 64].into_iter().enumerate() {
        if stage > 0 {
            let mut side = Tally { x: net.x.clone(), macs: [0; 3] };
            side.then(1, "avg_pool", &[("k", int(2))]).conv(1, c, 1, 1);
            net.then(1, "relu", &[]).conv(1, c, 3, 2).then(1, "batch_norm", &[]);
            net.then(1, "relu", &[]).conv(1, c, 3, 1).then(1, "batch_norm", &[]);
            net.macs.iter_mut().zip(side.macs).for_each(|(sum, n)| *sum += n);
        }
        let pool = [("k", int(3)), ("stride", int(1)), ("pad", int(1)), ("count_include_pad", false.into())];
        net.then(10, "relu", &[]).conv(10, c, 1, 1).then(10, "batch_norm", &[]).then(5, "avg_pool", &pool);
    }
    net.then(1, "batch_norm", &[]).then(1, "relu", &[]).then(1, "global_avg_pool", &[]).then(1, "flatten", &[]);
    net.then(1, "linear", &[("out", int(10))]);
    assert_eq!(net.macs, [15_647_370, 16_464_576, 16_810_634]);
}

/// Sizes at the limit are refused or saturate; none wraps.
#[test]
fn the_largest_sizes_neither_wrap_nor_panic() {
    let most = int(u32::MAX);
    let x = image(u32::MAX, u32::MAX, u32::MAX);
    let conv = make("conv2d", &[("out", most.clone()), ("k", most.clone())]).expect("legal");
    let y = conv.infer(&[&x]).expect("one window");
    assert_eq!(y[0], image(u32::MAX, 1, 1));
    assert_eq!(conv.macs(Convention::Nasbench, &[&x], &y), u64::MAX);
    assert_eq!(conv.weights(&[&x])[0].numel(), u64::MAX);

    let wide = make("conv2d", &[("out", int(1)), ("k", int(1)), ("pad", most.clone())]).expect("legal");
    assert!(wide.infer(&[&x]).is_err());
    let concat = make("concat", &[]).expect("legal");
    assert!(concat.infer(&[&x, &x]).is_err());
    let flatten = make("flatten", &[]).expect("legal");
    assert!(flatten.infer(&[&x]).is_err());
    let split = make("split", &[("parts", most)]).expect("legal");
    assert!(split.infer(&[&x]).is_err());
}
