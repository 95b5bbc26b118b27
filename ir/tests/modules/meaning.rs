//! What a network computes, in a toy arithmetic: a value is a number modulo a prime, a weight is a hash of its node's
//! path (that of its weights), and an op that makes zeros of zeros does so. Two networks that agree here compute the same function.

use ir::op::Op;
use ir::program::{Action, InstanceId, Program};

const PRIME: u64 = (1 << 61) - 1;

fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x1234_5678, |h: u64, p| {
        let mut x = (h ^ p).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ (x >> 32)
    }) % PRIME
}

fn text(s: &str) -> u64 {
    mix(&s.bytes().map(u64::from).collect::<Vec<_>>())
}

fn times(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

fn plus(a: u64, b: u64) -> u64 {
    (a + b) % PRIME
}

fn power(a: u64, mut n: u64) -> u64 {
    let (mut base, mut out) = (a, 1);
    while n > 0 {
        if n & 1 == 1 {
            out = times(out, base);
        }
        base = times(base, base);
        n >>= 1;
    }
    out
}

/// The outputs of a network for inputs that are numbers.
pub fn outputs(program: &Program) -> Vec<u64> {
    let inputs: Vec<u64> = (0..program.main().inputs.len() as u64).map(|i| mix(&[77, i])).collect();
    run(program, program.entry, "", &inputs)
}

fn run(program: &Program, id: InstanceId, path: &str, inputs: &[u64]) -> Vec<u64> {
    let instance = &program.instances[id];
    let mut values: Vec<u64> = Vec::new();
    for step in &instance.steps {
        let path = format!("{path}/{}", instance.weights_name(step));
        let mut x: Vec<u64> = step.operands.iter().map(|v| values[*v as usize]).collect();
        match &step.action {
            Action::Input => {
                let place = instance.inputs.iter().position(|v| *v == step.first).expect("an input");
                values.push(inputs[place]);
            }
            Action::Op(op) => values.extend((0..u64::from(step.outs)).map(|k| apply(op, &path, &x, k))),
            Action::Call(callee) => values.extend(run(program, *callee, &path, &x)),
            Action::Chain(calls) => {
                for (i, callee) in calls.iter().enumerate() {
                    x[0] = run(program, *callee, &format!("{path}/{i}"), &x)[0];
                }
                values.push(x[0]);
            }
            other => panic!("{other:?} is open"),
        }
    }
    instance.outputs.iter().map(|v| values[*v as usize]).collect()
}

fn apply(op: &Op, path: &str, x: &[u64], out: u64) -> u64 {
    let weight = |name: u64| mix(&[text(path), text(&op.to_string()), name]);
    let sum = x.iter().fold(0, |a, b| plus(a, *b));
    match op {
        Op::Identity(_) => x[0],
        Op::Zero(_) => 0,
        Op::Add(add) if add.mean => times(sum, power(x.len() as u64, PRIME - 2)),
        Op::Add(_) => sum,
        Op::Sub(_) => plus(x[0], PRIME - x[1]),
        Op::Mul(_) => x.iter().fold(1, |a, b| times(a, *b)),
        Op::Conv2d(conv) => plus(times(weight(1), x[0]), if conv.bias { weight(2) } else { 0 }),
        Op::Linear(linear) => plus(times(weight(1), x[0]), if linear.bias { weight(2) } else { 0 }),
        Op::BatchNorm(_) => plus(times(weight(1), x[0]), weight(2)),
        Op::Dropout(drop) if drop.p.get() == 0.0 => x[0],
        // What is dropped depends on the node.
        Op::Dropout(_) | Op::DropPath(_) => times(weight(1), x[0]),
        Op::Concat(_) if x.len() == 1 => x[0],
        Op::Concat(_) => x.iter().zip(1..).fold(0, |a, (b, i)| plus(a, times(mix(&[3, i]), *b))),
        Op::Sigmoid(_) | Op::Softmax(_) => mix(&[text(&op.to_string()), x[0]]),
        // The others make zeros of zeros.
        _ if sum == 0 && x.iter().all(|x| *x == 0) => 0,
        _ => mix(&[&[text(&op.to_string()), out], x].concat()),
    }
}
