//! What a person tells the bridge on standard input: one line for each act of the hand.

use crate::lang::Lang;
use crate::words::{Word, say};
use gap_sim::{Direction, Hand};
use std::io::{self, BufRead};
use std::sync::mpsc::{self, Receiver};

/// A longer line is no command, and is not kept.
const LINE_BYTES_MAX: usize = 200;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The way on which it acts.
    pub way: Direction,
    /// What is done.
    pub hand: Hand,
    /// What the name of the file must have in it; empty means any.
    pub part: String,
}

/// Reads `inner|outer lose|hold|release|double|corrupt|swap [PART]`: the zone is the one that the file leaves.
pub fn parse(line: &str) -> Option<Order> {
    let mut words = line.split_whitespace();
    let way = match words.next()? {
        "inner" => Direction::InnerToOuter,
        "outer" => Direction::OuterToInner,
        _ => return None,
    };
    let word = words.next()?;
    let hand = Hand::ALL.into_iter().find(|hand| hand.name() == word)?;
    let part = words.next().unwrap_or_default().to_owned();
    (words.next().is_none() && line.len() <= LINE_BYTES_MAX).then_some(Order { way, hand, part })
}

/// Listens on standard input in a thread of its own, until it ends.
pub fn listen(lang: Lang) -> Receiver<Order> {
    let (sender, orders) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if line.trim().is_empty() {
                continue;
            }
            match parse(&line).map(|order| sender.send(order)) {
                Some(Ok(())) => {}
                // The bridge has ended.
                Some(Err(_)) => return,
                None => eprintln!("{}", say(lang, Word::HandUnknown, &[&line.trim()])),
            }
        }
    });
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_way_an_act_and_perhaps_a_part_of_a_name() {
        let order = parse("  outer lose confirm ").unwrap();
        assert_eq!((order.way, order.hand, order.part.as_str()), (Direction::OuterToInner, Hand::Lose, "confirm"));
        assert_eq!(parse("inner release").unwrap().hand, Hand::Release);
        for line in
            ["lose", "outer", "outer eat", "outer lose a b", "gate lose", &format!("outer lose {}", "a".repeat(300))]
        {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
