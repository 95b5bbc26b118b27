//! Ports: where on the side of its node an edge begins or ends.
//!
//! The edges of a side keep the order in which their neighbours lie, so that they do not cross
//! near the node, and keep apart, so that their arrowheads do not meet. Within that, each is as
//! near as can be to the place where its edge runs straight.

use super::super::measure::PORT_GAP;
use super::curve::Knot;
use super::proper::{Proper, Role};
use super::{Axes, Band, Outline, Size};

/// An end of an edge on the side of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub at: Knot,
    /// The slope, cross by flow, of a line from here to the middle of a round node.
    pub slope: f64,
}

/// The weight of a spine's wish, which marks it.
const SPINE: f64 = 16.0;

/// The ports of one chain: at its first vertex, and at its last.
pub(super) type Ends = (Port, Port);

/// The shape of a node's side, seen along the flow.
struct Side {
    /// How far from the middle a port may lie.
    reach: f64,
    /// Half the node's extent along the flow.
    half_flow: f64,
    /// The radius of the round end, if the side is one.
    radius: Option<f64>,
}

impl Side {
    fn new(outline: Outline, size: Size, axes: Axes) -> Self {
        let (cross, flow) = axes.split(size);
        let half_flow = flow / 2.0;
        let round = match outline {
            Outline::Circle => true,
            // A pill lies along the page, so its round ends face the flow from left to right.
            Outline::Pill => matches!(axes.0, super::Direction::LeftRight),
            Outline::Box => false,
        };
        if round {
            let radius = cross / 2.0;
            return Self { reach: 0.88 * radius, half_flow, radius: Some(radius) };
        }
        let corner = if outline == Outline::Pill { flow / 2.0 } else { 12.0 };
        let reach = (cross / 2.0 - corner).max(0.0);
        Self { reach, half_flow, radius: None }
    }

    /// The distance of the outline from the node's middle along the flow, at `offset` across,
    /// and the slope towards the middle there.
    fn outline(&self, offset: f64) -> (f64, f64) {
        match self.radius {
            None => (self.half_flow, 0.0),
            Some(radius) => {
                let depth = (radius * radius - offset * offset).max(0.0).sqrt();
                (self.half_flow - radius + depth, offset / depth.max(1.0))
            }
        }
    }

    /// The port of `node` at `at` across, on the side after it (`sign` 1) or before it (-1).
    fn port(&self, node: usize, graph: &Proper, cross: &[f64], bands: &[Band], at: f64, sign: f64) -> Port {
        let (depth, slope) = self.outline(at - cross[node]);
        let middle = bands[graph.vertices[node].rank].middle();
        Port { at: Knot { flow: middle + sign * depth, cross: at }, slope: sign * slope }
    }
}

pub(super) fn place(sizes: &[(Outline, Size)], graph: &Proper, cross: &[f64], bands: &[Band], axes: Axes) -> Vec<Ends> {
    let sides: Vec<Side> = sizes.iter().map(|&(outline, size)| Side::new(outline, size, axes)).collect();
    let positions = graph.positions();
    // Per node, the chains that leave it and those that enter it, with the other vertex.
    let mut leaving = vec![Vec::new(); sides.len()];
    let mut entering = vec![Vec::new(); sides.len()];
    for (index, chain) in graph.chains.iter().enumerate() {
        let between = graph.between(chain);
        // What branches off a trunk leaves its node with the trunk.
        if graph.bearer(chain).is_none() {
            leaving[chain.first].push((index, between.first().copied().unwrap_or(chain.last)));
        }
        entering[chain.last].push((index, between.last().copied().unwrap_or(chain.first)));
    }
    let blank = Port { at: Knot { flow: 0.0, cross: 0.0 }, slope: 0.0 };
    let mut ends = vec![(blank, blank); graph.chains.len()];
    for node in 0..sides.len() {
        for (list, forward) in [(&mut leaving[node], true), (&mut entering[node], false)] {
            list.sort_by_key(|&(index, other)| (positions[other], index));
            let middle = bands[graph.vertices[node].rank].middle();
            let wishes: Vec<(f64, f64)> = list
                .iter()
                .map(|&(_, other)| {
                    let away = bands[graph.vertices[other].rank].middle() - middle;
                    wish(node, other, away.abs(), &sides, graph, cross)
                })
                .collect();
            let offsets = offsets(&wishes, sides[node].reach);
            for (&(index, _), offset) in list.iter().zip(offsets) {
                let sign = if forward { 1.0 } else { -1.0 };
                let port = sides[node].port(node, graph, cross, bands, cross[node] + offset, sign);
                if forward {
                    ends[index].0 = port;
                } else {
                    ends[index].1 = port;
                }
            }
        }
    }
    straighten(graph, &sides, cross, bands, &leaving, &entering, &mut ends);
    ends
}

/// Moves the port of a side that has no other under the port at the far end, where the two all
/// but face each other, so that no edge has a kink of a few units.
fn straighten(
    graph: &Proper,
    sides: &[Side],
    cross: &[f64],
    bands: &[Band],
    leaving: &[Vec<(usize, usize)>],
    entering: &[Vec<(usize, usize)>],
    ends: &mut [Ends],
) {
    for (index, chain) in graph.chains.iter().enumerate() {
        if !graph.between(chain).is_empty() {
            continue;
        }
        let (from, to) = (chain.first, chain.last);
        let (first, last) = (ends[index].0, ends[index].1);
        let gap = (first.at.cross - last.at.cross).abs();
        let movable = |node: usize, list: &[(usize, usize)], target: f64| {
            let side = &sides[node];
            let most = if side.radius.is_some() { 6.0 } else { 18.0 };
            list.len() == 1 && gap <= most && (target - cross[node]).abs() <= side.reach
        };
        if movable(to, &entering[to], first.at.cross) {
            ends[index].1 = sides[to].port(to, graph, cross, bands, first.at.cross, -1.0);
        } else if movable(from, &leaving[from], last.at.cross) {
            ends[index].0 = sides[from].port(from, graph, cross, bands, last.at.cross, 1.0);
        }
    }
}

/// Where a port of `node` would like to lie, from the node's middle, and how much it cares. If
/// the two sides face each other, both ends wish for the same line. Otherwise a flat side
/// wishes for the end nearest to the `other` vertex, and a round side for the point that faces
/// it, `away` along the flow.
fn wish(node: usize, other: usize, away: f64, sides: &[Side], graph: &Proper, cross: &[f64]) -> (f64, f64) {
    let there = if graph.vertices[other].role == Role::Node { sides[other].reach } else { 0.0 };
    let here = sides[node].reach;
    let aside = cross[other] - cross[node];
    if graph.spine_up[node] == Some(other) || graph.spine_down[node] == Some(other) {
        return (aside.clamp(-here, here), SPINE);
    }
    if let Some(radius) = sides[node].radius {
        let faced = radius * aside / super::length(aside, away).max(1.0);
        return (faced.clamp(-here, here), 1.0);
    }
    let low = (cross[node] - here).max(cross[other] - there);
    let high = (cross[node] + here).min(cross[other] + there);
    if low <= high {
        let line = f64::midpoint(cross[node], cross[other]).clamp(low, high);
        (line - cross[node], 4.0)
    } else {
        (aside.clamp(-here, here), 1.0)
    }
}

/// The offsets of the ports of one side, in order and apart. A spine's port is where it wishes
/// to be; the others make do with the room beside it.
fn offsets(wishes: &[(f64, f64)], reach: f64) -> Vec<f64> {
    let Some(spine) = wishes.iter().position(|&(_, weight)| weight == SPINE) else {
        return spread(wishes, -reach, reach, PORT_GAP);
    };
    let at = wishes[spine].0;
    let room = |count: usize, room: f64| {
        if count == 0 { PORT_GAP } else { room / count as f64 }
    };
    let (before, after) = (&wishes[..spine], &wishes[spine + 1..]);
    let gap = PORT_GAP.min(room(before.len(), at + reach)).min(room(after.len(), reach - at));
    let mut offsets = spread(before, -reach, at - gap, gap);
    offsets.push(at);
    offsets.extend(spread(after, at + gap, reach, gap));
    offsets
}

/// The offsets nearest to the wishes, by weighted squares, that keep their order and distance
/// and lie between `low` and `high`: isotonic regression by pooling neighbours, then a clamp.
fn spread(wishes: &[(f64, f64)], low: f64, high: f64, gap: f64) -> Vec<f64> {
    let steps = wishes.len().saturating_sub(1) as f64;
    let gap = if steps > 0.0 { gap.min((high - low) / steps) } else { 0.0 };
    // Pools of wishes that share one value, as (mean, weight, members).
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(wishes.len());
    for (k, &(wish, weight)) in wishes.iter().enumerate() {
        let mut pool = (wish - k as f64 * gap, weight, 1);
        while let Some(&(mean, heavy, members)) = pools.last() {
            if mean <= pool.0 {
                break;
            }
            let total = heavy + pool.1;
            pool = ((mean * heavy + pool.0 * pool.1) / total, total, members + pool.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let high = high - steps * gap;
    pools
        .iter()
        .flat_map(|&(mean, _, members)| std::iter::repeat_n(mean.min(high).max(low), members))
        .enumerate()
        .map(|(k, value)| value + k as f64 * gap)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{SPINE, offsets};

    #[test]
    fn ports_keep_order_distance_and_range() {
        let spread = offsets(&[(0.0, 1.0), (0.0, 4.0), (50.0, 1.0)], 20.0);
        assert!(spread.windows(2).all(|pair| pair[1] - pair[0] >= 9.0 - 1e-9));
        assert!(spread.iter().all(|offset| offset.abs() <= 20.0));
        assert!(spread[1].abs() < 3.0, "the heavier wish wins: {spread:?}");
        assert_eq!(offsets(&[(1.0, 1.0); 3], 0.0), [0.0; 3]);
    }

    #[test]
    fn a_spine_stays_where_it_is() {
        let spread = offsets(&[(0.0, SPINE), (0.0, 1.0), (0.0, 1.0)], 14.0);
        assert_eq!(spread, [0.0, 7.0, 14.0]);
    }
}
