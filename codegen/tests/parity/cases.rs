//! A case or more for every op of the table: its attributes, broadcasting, ranks.

use crate::common::program;
use ir::{Program, TensorType};

/// An op under test, between inputs and outputs.
pub struct Case {
    /// The op.
    pub op: &'static str,
    /// Types of the inputs `%a`, `%b`, `%c`, separated by semicolons.
    pub inputs: &'static str,
    /// The nodes; what is returned is `%y`, unless there is a `return`.
    pub nodes: &'static str,
}

const fn case(op: &'static str, inputs: &'static str, nodes: &'static str) -> Case {
    Case { op, inputs, nodes }
}

const IMAGE: &str = "f32[N, 4, 7, 6]";

/// Every case.
pub const CASES: &[Case] = &[
    case("conv2d", IMAGE, "%y = conv2d %a {out=6, k=3, pad=1}"),
    case("conv2d", IMAGE, "%y = conv2d %a {out=6, k=3, stride=2, bias=false}"),
    case("conv2d", IMAGE, "%y = conv2d %a {out=6, k=1, groups=2}"),
    case("conv2d", IMAGE, "%y = conv2d %a {out=4, k=3, pad=2, dilation=2, groups=4, bias=false}"),
    case("conv2d", IMAGE, "%y = conv2d %a {out=8, k=[1, 5], pad=[0, 2], stride=[2, 1], groups=4}"),
    case("conv2d", "f32[N, 3, 16, 16]", "%y = conv2d %a {out=8, k=7, stride=2, pad=3}"),
    case("linear", "f32[N, 10]", "%y = linear %a {out=7}"),
    case("linear", "f32[N, 5, 10]", "%y = linear %a {out=7}"),
    case("linear", "f32[N, 10]", "%y = linear %a {out=3, bias=false}"),
    case("batch_norm", IMAGE, "%y = batch_norm %a"),
    case("batch_norm", IMAGE, "%y = batch_norm %a {affine=false}"),
    case("batch_norm", IMAGE, "%y = batch_norm %a {track=false}"),
    case("batch_norm", IMAGE, "%y = batch_norm %a {affine=false, track=false}"),
    case("batch_norm", IMAGE, "%y = batch_norm %a {eps=0.001, momentum=0.5}"),
    case("batch_norm", "f32[N, 5]", "%y = batch_norm %a"),
    case("batch_norm", "f32[N, 5, 3]", "%y = batch_norm %a"),
    case("batch_norm", "f32[N, 5, 3, 2, 2]", "%y = batch_norm %a"),
    case("layer_norm", "f32[N, 5, 8]", "%y = layer_norm %a"),
    case("layer_norm", IMAGE, "%y = layer_norm %a {trailing=3, eps=0.01}"),
    case("layer_norm", IMAGE, "%y = layer_norm %a {trailing=2, affine=false}"),
    case("group_norm", IMAGE, "%y = group_norm %a {groups=2}"),
    case("group_norm", IMAGE, "%y = group_norm %a {groups=1, eps=0.01}"),
    case("group_norm", IMAGE, "%y = group_norm %a {groups=4, affine=false}"),
    case("group_norm", "f32[N, 6, 5]", "%y = group_norm %a {groups=3}"),
    case("group_norm", "f32[N, 6]", "%y = group_norm %a {groups=2}"),
    case("relu", IMAGE, "%y = relu %a"),
    case("relu6", IMAGE, "%y = relu6 %a"),
    case("gelu", IMAGE, "%y = gelu %a"),
    case("gelu", IMAGE, "%y = gelu %a {tanh=true}"),
    case("silu", IMAGE, "%y = silu %a"),
    case("hardswish", IMAGE, "%y = hardswish %a"),
    case("sigmoid", IMAGE, "%y = sigmoid %a"),
    case("tanh", IMAGE, "%y = tanh %a"),
    case("softmax", "f32[N, 9]", "%y = softmax %a"),
    case("softmax", IMAGE, "%y = softmax %a {axis=1}"),
    case("max_pool", IMAGE, "%y = max_pool %a {k=2}"),
    case("max_pool", IMAGE, "%y = max_pool %a {k=3, stride=2, pad=1}"),
    case("max_pool", IMAGE, "%y = max_pool %a {k=3, stride=2, ceil=true}"),
    case("max_pool", IMAGE, "%y = max_pool %a {k=[3, 2], stride=[1, 3], pad=[1, 0], ceil=true}"),
    case("max_pool", IMAGE, "%y = max_pool %a {k=2, stride=5, pad=1, ceil=true}"),
    case("avg_pool", IMAGE, "%y = avg_pool %a {k=2}"),
    case("avg_pool", IMAGE, "%y = avg_pool %a {k=3, stride=1, pad=1}"),
    case("avg_pool", IMAGE, "%y = avg_pool %a {k=3, stride=1, pad=1, count_include_pad=false}"),
    case("avg_pool", IMAGE, "%y = avg_pool %a {k=3, stride=2, pad=1, ceil=true}"),
    case("avg_pool", IMAGE, "%y = avg_pool %a {k=3, stride=2, pad=1, ceil=true, count_include_pad=false}"),
    case("avg_pool", IMAGE, "%y = avg_pool %a {k=[3, 2], stride=[2, 3], ceil=true}"),
    case("global_avg_pool", IMAGE, "%y = global_avg_pool %a"),
    case("adaptive_avg_pool", IMAGE, "%y = adaptive_avg_pool %a {out=1}"),
    case("adaptive_avg_pool", "f32[N, 4, 8, 6]", "%y = adaptive_avg_pool %a {out=[4, 3]}"),
    case("adaptive_avg_pool", IMAGE, "%y = adaptive_avg_pool %a {out=[3, 4]}"),
    case("adaptive_avg_pool", IMAGE, "%y = adaptive_avg_pool %a {out=9}"),
    case("add", IMAGE, "%y = add %a"),
    case("add", "f32[N, 4, 5]; f32[N, 4, 5]; f32[N, 4, 5]", "%y = add %a, %b, %c"),
    case("add", "f32[N, 4, 5]; f32[N, 4, 5]; f32[N, 4, 5]", "%y = add %a, %b, %c {mean=true}"),
    case("add", "f32[N, 4, 5]; f32[4, 1]", "%y = add %a, %b"),
    case("add", "f32[N, 4, 5]", "%y = add %a, %a"),
    case("sub", "f32[N, 4, 5]; f32[N, 1, 5]", "%y = sub %a, %b"),
    case("mul", "f32[N, 4, 5]; f32[N, 4, 5]; f32[5]", "%y = mul %a, %b, %c"),
    case("mul", "f32[N, 4, 7, 6]; f32[N, 4, 1, 1]", "%y = mul %a, %b"),
    case("div", "f32[N, 4, 5]; f32[N, 4, 5]", "%s = sigmoid %b\n%y = div %a, %s"),
    case("div", "f32[N, 4, 5]; f32[4, 1]", "%s = sigmoid %b\n%y = div %a, %s"),
    case("matmul", "f32[N, 5]; f32[5, 3]", "%y = matmul %a, %b"),
    case("matmul", "f32[N, 2, 4, 5]; f32[N, 1, 5, 3]", "%y = matmul %a, %b"),
    case("matmul", "f32[N, 4, 5]; f32[5]", "%y = matmul %a, %b"),
    case("matmul", "f32[5]; f32[N, 5, 3]", "%y = matmul %a, %b"),
    case("embedding", "f32[9, 5]; i64[N, 4]", "%y = embedding %a, %b"),
    case("parameter", "f32[N, 5]", "%p = parameter {shape=[5], fan_in=5} %y = mul %a, %p"),
    case("parameter", "i64[N, 4]", "%p = parameter {shape=[9, 5]} %y = embedding %p, %a"),
    // Weights that several nodes have: one parameter, whose gradient is a sum.
    case("linear", "f32[N, 6]", "%b = linear %a {out=6} %c = tanh %b %y = linear %c {out=6} weights b"),
    case(
        "linear",
        "f32[N, 6]; f32[N, 3, 6]",
        "%c = linear %b {out=2} weights w %y = linear %a {out=2} weights w return %y, %c",
    ),
    case("batch_norm", IMAGE, "%b = batch_norm %a %c = tanh %b %y = batch_norm %c weights b"),
    case(
        "batch_norm",
        IMAGE,
        "%b = batch_norm %a {affine=false} weights n %c = tanh %b %y = batch_norm %c {affine=false} weights n",
    ),
    case("concat", "f32[N, 4, 5]; f32[N, 2, 5]", "%y = concat %a, %b"),
    case("concat", "f32[N, 4, 5]; f32[N, 4, 1]; f32[N, 4, 2]", "%y = concat %a, %b, %c {axis=-1}"),
    case("concat", "f32[N, 4]; f32[2N, 4]", "%y = concat %a, %b {axis=0}"),
    case("concat", IMAGE, "%y = concat %a"),
    case("split", IMAGE, "%y = split %a\nreturn %y, %y.1"),
    case("split", IMAGE, "%y = split %a {sizes=[1, 3, 3], axis=2}\n%z = mul %y.1, %y.2\nreturn %z, %y"),
    case("split", "f32[4N, 3]", "%y = split %a {axis=0}\n%z = sub %y, %y.1\nreturn %z"),
    case("slice", IMAGE, "%y = slice %a {axis=1, start=1, end=3}"),
    case("slice", IMAGE, "%y = slice %a {axis=-1, start=-5, step=2}"),
    case("flatten", IMAGE, "%y = flatten %a"),
    case("flatten", IMAGE, "%y = flatten %a {start=0, end=1}"),
    case("flatten", IMAGE, "%y = flatten %a {start=2}"),
    case("reshape", IMAGE, "%y = reshape %a {shape=[0, 2, -1, 3]}"),
    case("reshape", IMAGE, "%y = reshape %a {shape=[-1, 21]}"),
    case("transpose", IMAGE, "%y = transpose %a {perm=[0, 2, 3, 1]}"),
    case("transpose", "f32[N, 4, 5]", "%y = transpose %a {perm=[2, 0, 1]}"),
    case("mean", IMAGE, "%y = mean %a {axes=[2, 3]}"),
    case("mean", IMAGE, "%y = mean %a {axes=[1], keepdim=true}"),
    case("mean", IMAGE, "%y = mean %a"),
    case("sum", IMAGE, "%y = sum %a {axes=[-1]}"),
    case("sum", IMAGE, "%y = sum %a {axes=[0, 2], keepdim=true}"),
    case("sum", "f32[N, 4]; i64[N, 3]", "%y = relu %a\n%s = sum %b {axes=[1]}\nreturn %y, %s"),
    case("dropout", IMAGE, "%y = dropout %a {p=0.0}"),
    case("drop_path", IMAGE, "%y = drop_path %a {p=0.0}"),
    case("constant", IMAGE, "%k = constant {shape=[4, 1, 1], value=0.3}\n%y = mul %a, %k"),
    case(
        "constant",
        IMAGE,
        "%k = constant {shape=[], value=2}\n%i = constant {shape=[2], value=3, dtype=i64}\n\
         %y = add %a, %k\nreturn %y, %i",
    ),
    case("identity", IMAGE, "%y = identity %a"),
    case("zero", IMAGE, "%z = zero %a\n%y = add %a, %z"),
    case("zero", IMAGE, "%z = zero %a {stride=2, out=5}\n%v = conv2d %a {out=5, k=1, stride=2}\n%y = add %z, %v"),
    case("pad", IMAGE, "%y = pad %a {before=1}"),
    case("pad", IMAGE, "%y = pad %a {before=[0, 1], after=[2, 3], value=-1.5}"),
    case("channel_shuffle", IMAGE, "%y = channel_shuffle %a {groups=2}"),
];

/// What is random while training, and so is compared in evaluation only.
pub const RANDOM: &[Case] =
    &[case("dropout", IMAGE, "%y = dropout %a"), case("drop_path", IMAGE, "%y = drop_path %a {p=0.3}")];

impl Case {
    /// The types of the inputs.
    pub fn types(&self) -> Vec<TensorType> {
        let program = self.program();
        let main = program.main();
        main.types_of(&main.inputs).into_iter().cloned().collect()
    }

    /// The network.
    pub fn program(&self) -> Program {
        let inputs: Vec<String> =
            self.inputs.split("; ").zip(["a", "b", "c"]).map(|(ty, name)| format!("%{name}: {ty}")).collect();
        let result = if self.nodes.contains("return") { "" } else { "return %y" };
        let inputs = inputs.join(", ");
        program(&format!("module @m {{\nentry @main\ngraph @main({inputs}) {{\n{}\n{result}\n}}\n}}", self.nodes))
    }

    /// What it is, for messages.
    pub fn title(&self) -> String {
        format!("{}: {}", self.inputs, self.nodes.replace('\n', "; "))
    }
}
