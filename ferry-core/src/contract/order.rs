//! The order of streams: dependencies first.

/// One stream as the ordering sees it.
pub(super) struct Node {
    pub priority: u8,
    /// Positions of the nodes that must come earlier.
    pub depends: Vec<usize>,
}

/// Orders `nodes` so that each stands after those that it depends on; among free ones the higher priority goes
/// first, then the earlier one.
///
/// # Errors
/// A circle, as the positions on it in order of dependence.
pub(super) fn apply_order(nodes: &[Node]) -> Result<Vec<usize>, Vec<usize>> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut placed = vec![false; nodes.len()];
    while order.len() < nodes.len() {
        let free = (0..nodes.len())
            .filter(|index| !placed[*index] && nodes[*index].depends.iter().all(|on| placed[*on]))
            .min_by_key(|index| (core::cmp::Reverse(nodes[*index].priority), *index));
        let Some(index) = free else {
            return Err(circle(nodes, &placed));
        };
        placed[index] = true;
        order.push(index);
    }
    Ok(order)
}

/// Walks from the first node that cannot be placed along unplaced dependencies until a node comes again.
fn circle(nodes: &[Node], placed: &[bool]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut next = placed.iter().position(|placed| !placed);
    while let Some(index) = next {
        if let Some(start) = path.iter().position(|seen| *seen == index) {
            return path.split_off(start);
        }
        path.push(index);
        next = nodes[index].depends.iter().copied().find(|on| !placed[*on]);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{Node, apply_order};

    #[test]
    fn dependencies_go_first_then_priority_then_place() {
        let nodes = nodes(&[(1, &[2]), (9, &[0]), (0, &[]), (5, &[])]);
        assert_eq!(apply_order(&nodes), Ok(vec![3, 2, 0, 1]));
    }

    #[test]
    fn a_circle_is_told_without_the_nodes_that_only_hang_on_it() {
        let nodes = nodes(&[(1, &[1]), (1, &[2]), (1, &[3]), (1, &[1])]);
        assert_eq!(apply_order(&nodes), Err(vec![1, 2, 3]));
    }

    fn nodes(list: &[(u8, &[usize])]) -> Vec<Node> {
        list.iter().map(|(priority, depends)| Node { priority: *priority, depends: depends.to_vec() }).collect()
    }
}
