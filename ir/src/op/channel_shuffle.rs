//! `channel_shuffle`: channels exchanged between groups.

use super::shape::channels;
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// Channel `i * (C / groups) + j` of `[N, C, ...]` moves to `j * groups + i`, so that grouped convolutions see each
    /// other's outputs; PyTorch's `ChannelShuffle`. Zhang, Zhou, Lin and Sun 2018, "ShuffleNet: An Extremely Efficient
    /// Convolutional Neural Network for Mobile Devices".
    ChannelShuffle = "channel_shuffle" {
        /// Number of groups; it must divide the channels.
        groups: u32,
    }
}

impl OpDef for ChannelShuffle {
    const SUMMARY: &'static str = "channels exchanged between groups";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let c = channels(x[0], 3)?;
        if !c.is_multiple_of(self.groups) {
            return Err(OpError::Shape(format!("groups={} must divide the {c} channels of {}", self.groups, x[0])));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let ty = e.type_of(x[0]).clone();
        let c = ty.shape[1].per_example() as u32;
        let rest = || ty.shape[2..].iter().copied();
        let apart = [ty.shape[0], self.groups.into(), (c / self.groups).into()].into_iter().chain(rest()).collect();
        let grouped = e.prim(Prim::Reshape { shape: apart }, x)?;
        let perm = [0, 2, 1].into_iter().chain(3..=ty.rank() as u32).collect();
        let shuffled = e.prim(Prim::Permute { perm }, &[grouped])?;
        Ok(smallvec![e.prim(Prim::Reshape { shape: ty.shape }, &[shuffled])?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape() {
        let shuffle = op("channel_shuffle", &[("groups", 2.into())]);
        assert_eq!(shuffle.to_string(), "channel_shuffle {groups=2}");
        assert_eq!(infer(&shuffle, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 8, 8]");
        assert_eq!(weights(&shuffle, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&shuffle, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }

    #[test]
    fn refuses_groups_that_do_not_divide() {
        let shuffle = op("channel_shuffle", &[("groups", 3.into())]);
        assert_eq!(infer(&shuffle, &["f32[N, 16, 8, 8]"]), "groups=3 must divide the 16 channels of f32[N, 16, 8, 8]");
        let text = "expects rank 3 or more, [N, C, ...], with a fixed C above zero, got f32[N, 16]";
        assert_eq!(infer(&shuffle, &["f32[N, 16]"]), text);
    }
}
