//! What a person tells the bridge on standard input: one line for each act of the hand.

use crate::lang::Lang;
use crate::words::{Word, say};
use gap_sim::{Direction, Hand};
use std::io::{self, BufRead};
use std::sync::mpsc::{self, Receiver};

/// A longer line is no command; the rest of it is read and not kept.
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
        let mut input = io::stdin().lock();
        loop {
            let line = match next_line(&mut input) {
                Ok(Some(line)) => line,
                Ok(None) => return,
                Err(fault) => return eprintln!("{}", say(lang, Word::HandsDeaf, &[&fault])),
            };
            match parse(&line).map(|order| sender.send(order)) {
                Some(Ok(())) => {}
                // The bridge has ended.
                Some(Err(_)) => return,
                None if line.trim().is_empty() => {}
                None => eprintln!("{}", say(lang, Word::HandUnknown, &[&line.trim()])),
            }
        }
    });
    orders
}

/// The next line, or the beginning of one that is too long; `None` at the end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let text = &piece[..end.unwrap_or(piece.len())];
        let room = (LINE_BYTES_MAX + 1).saturating_sub(line.len());
        line.extend_from_slice(&text[..text.len().min(room)]);
        let used = end.map_or(piece.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
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

    #[test]
    fn lines_are_read_one_by_one_and_no_longer_than_they_may_be() {
        let long = "a".repeat(100_000);
        let mut input = io::Cursor::new(format!("inner hold\n\n{long}\nouter release"));
        let mut next = || next_line(&mut input).unwrap();
        assert_eq!(next().as_deref(), Some("inner hold"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().map(|line| line.len()), Some(LINE_BYTES_MAX + 1));
        assert_eq!(next().as_deref(), Some("outer release"));
        assert_eq!(next(), None);
    }
}
